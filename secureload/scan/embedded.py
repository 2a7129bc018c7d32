"""Pickles that stand in bytes which no reader knows: found, traced, and kept where they would do something."""

from __future__ import annotations

from collections.abc import Iterator

from secureload.errors import LimitError
from secureload.formats.embedded import PickleSearch
from secureload.formats.region import Region
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.trace import Trace
from secureload.pickles.vm import trace_stream
from secureload.scan.dangerous import grade
from secureload.scan.reached import reached
from secureload.scan.tracing import does_something
from secureload.values import replace

__all__ = ["embedded_pickles"]


def embedded_pickles(data: Region, limits: Limits = DEFAULT_LIMITS) -> Iterator[tuple[int, Trace]]:
    """Yield the offset and the trace of each pickle in ``data`` that would import something, in order.

    That bytes follow it, or that it breaks off, is no problem of its own here: it is cut out of what is not
    known anyway. Of more than ``embedded_search_bytes`` the first and the last are searched.

    Raises:
        LimitError: there are too many, or too much of it looks like the beginning of one.
    """
    found = uses = 0
    for begin, part in _searched(data, limits):
        search = PickleSearch(part, limits)
        at = 0
        while starts := search.after(at):
            if uses > limits.embedded_steps:
                raise _too_many("embedded_steps", limits.embedded_steps, uses)
            start, trace, done = _worst_of(part, starts, limits)
            uses += done
            at = start + 1
            if not does_something(trace):
                continue
            found += 1
            if found > limits.embedded_pickles:
                raise _too_many("embedded_pickles", limits.embedded_pickles, found)
            at = max(at, start + reached(trace))
            kept = tuple(item for item in trace.problems if item.kind not in ("trailing", "malformed"))
            yield begin + start, replace(trace, problems=kept)


def _searched(data: Region, limits: Limits) -> Iterator[tuple[int, Region]]:
    half = limits.embedded_search_bytes // 2
    if data.size <= 2 * half:
        yield 0, data
    else:
        yield 0, data.part(0, half)
        yield data.size - half, data.part(data.size - half, half)


def _worst_of(data: Region, starts: tuple[int, ...], limits: Limits) -> tuple[int, Trace, int]:
    """Return the start that means harm, or the first that does anything; its trace; how much all of them do."""
    traced = []
    uses = 0
    for start in starts:
        part = data.part(start, data.size - start)
        trace = trace_stream(part.cursor(), limits=limits, bytes_total=part.size)
        traced.append((start, trace))
        uses += sum(item.count for item in trace.imports) + sum(item.count for item in trace.operations)
    for start, trace in traced:
        if any(grade(item.ref) is not None for item in trace.imports):
            return start, trace, uses
    start, trace = next((pair for pair in traced if does_something(pair[1])), traced[0])
    return start, trace, uses


def _too_many(limit: str, allowed: int, seen: int) -> LimitError:
    return LimitError(
        f"{limit}: too many pickles stand among bytes of no known format",
        hint="ask the sender what this file is",
        limit=limit,
        allowed=allowed,
        seen=seen,
    )
