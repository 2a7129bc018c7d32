"""Feed a reader with bytes, valid and mutated, and sort what it yields."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from hypothesis import strategies as st

from secureload.errors import SecureloadError
from secureload.formats.reading import (
    Budget,
    Child,
    Event,
    Identified,
    Observation,
    Problem,
    ReadContext,
    Reference,
    Versions,
)
from secureload.formats.region import Region
from secureload.limits import DEFAULT_LIMITS, Limits

EVENTS = (Child, Identified, Observation, Problem, Reference, Versions)
# Whatever the bytes of a small file, its readers say no more than this.
MOST_EVENTS = 20_000


def feed(reader: ModuleType, data: bytes, name: str = "", limits: Limits = DEFAULT_LIMITS) -> list[Event]:
    """Everything that ``reader`` yields; what it raises of ours becomes a problem, as in the survey."""
    events: list[Event] = []
    try:
        for event in reader.read(Region(data), ReadContext(name=name, limits=limits, budget=Budget(limits))):
            assert isinstance(event, EVENTS)
            events.append(event)
            assert len(events) < MOST_EVENTS
    except SecureloadError as error:
        assert error.message
        kind: Any = "limit" if error.code == "artifact.limit" else "malformed"
        events.append(Problem(kind=kind, message=error.message))
    return events


def codes(events: list[Event]) -> set[str]:
    return {event.code for event in events if isinstance(event, Observation)}


def observation(events: list[Event], code: str) -> Observation:
    (found,) = [event for event in events if isinstance(event, Observation) and event.code == code]
    return found


def problems(events: list[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Problem)]


def children(events: list[Event]) -> dict[str, Child]:
    return {event.name: event for event in events if isinstance(event, Child)}


def bytes_of(child: Child) -> bytes:
    assert isinstance(child.data, Region)
    return child.data.read_at(0, child.data.size)


@st.composite
def mutated(draw: st.DrawFn, valid: bytes) -> bytes:
    """``valid`` with a few bytes changed, cut out or put in."""
    data = bytearray(valid)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        removed = draw(st.integers(0, 9))
        data[at : at + removed] = draw(st.binary(max_size=9) | st.just(b"\xff" * removed))
    return bytes(data[: draw(st.integers(0, len(data)))]) if draw(st.booleans()) else bytes(data)
