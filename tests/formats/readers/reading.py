"""Run a reader over bytes, and sort what it yields."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType

from secureload.errors import SecureloadError
from secureload.formats.reading import Budget, Child, Event, Identified, Observation, Problem, ReadContext
from secureload.formats.region import Region
from secureload.limits import DEFAULT_LIMITS, Limits

_STEP = 1 << 16


@dataclass
class Read:
    """What came, in order; ``error`` is what ended the reader, as its class and text."""

    events: list[Event] = field(default_factory=list)
    error: SecureloadError | None = None

    @property
    def children(self) -> list[Child]:
        return [event for event in self.events if isinstance(event, Child)]

    @property
    def names(self) -> list[str]:
        return [child.name for child in self.children]

    @property
    def codes(self) -> list[str]:
        return [event.code for event in self.events if isinstance(event, Observation)]

    @property
    def problems(self) -> list[Problem]:
        return [event for event in self.events if isinstance(event, Problem)]

    @property
    def formats(self) -> list[str]:
        return [event.format for event in self.events if isinstance(event, Identified)]

    def content(self, name: str) -> bytes:
        """The bytes of the first child of this name."""
        return content(next(child for child in self.children if child.name == name))


def content(child: Child) -> bytes:
    """Every byte of a child, be it a region or a stream."""
    stream = child.data.cursor() if isinstance(child.data, Region) else child.data()
    pieces = []
    while piece := stream.read(_STEP):
        pieces.append(piece)
    return b"".join(pieces)


def run(reader: ModuleType, data: bytes, limits: Limits = DEFAULT_LIMITS, name: str = "") -> Read:
    """Everything that ``reader`` yields for ``data``; nothing but a SecureloadError may come out of it."""
    found = Read()
    context = ReadContext(name=name, limits=limits, budget=Budget(limits))
    try:
        for event in reader.read(Region(data), context):
            found.events.append(event)
    except SecureloadError as error:
        found.error = error
    return found
