"""Many observations of one kind are cut to the first ones and a count: a million lines would hide the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from secureload.formats.reading import Event, Observation
from secureload.values import replace

__all__ = ["MOST_OF_ONE_CODE", "first_of_each_code"]

MOST_OF_ONE_CODE = 10


def first_of_each_code(events: Iterable[Event], most: int = MOST_OF_ONE_CODE) -> Iterator[Event]:
    """Yield ``events``, but of the observations with one code only the first ``most``.

    How many more there were says one observation of the same code at the end, so that a rule grades it alike.
    Whatever else there is passes.
    """
    seen: Counter[str] = Counter()
    last: dict[str, Observation] = {}
    for event in events:
        if isinstance(event, Observation):
            seen[event.code] += 1
            if seen[event.code] > most:
                last[event.code] = event
                continue
        yield event
    for code, event in last.items():
        yield replace(event, message=f"{seen[code] - most:,} more like these, the last one: {event.message}")
