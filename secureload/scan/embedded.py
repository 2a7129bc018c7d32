"""Pickles that stand in bytes which no reader knows: found, traced, and kept where they would do something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from secureload.formats.embedded import pickle_starts
from secureload.formats.region import Region
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.trace import Trace
from secureload.pickles.vm import trace_stream
from secureload.scan.dangerous import grade
from secureload.scan.tracing import does_something

__all__ = ["embedded_pickles"]


def embedded_pickles(data: Region, limits: Limits = DEFAULT_LIMITS) -> Iterator[tuple[int, Trace]]:
    """Yield the offset and the trace of each pickle in ``data`` that would import something.

    That bytes follow it, or that it breaks off, is no problem of its own here: it is cut out of what is not
    known anyway. Where letters in front of it could belong to its first name, it is read both ways.

    Raises:
        LimitError: there are too many, or too many places that look like the beginning of one.
    """
    end = 0
    dangerous = False
    for start in sorted(pickle_starts(data, limits)):
        if start < end and dangerous:
            continue
        part = data.part(start, data.size - start)
        trace = trace_stream(part.cursor(), limits=limits, bytes_total=part.size)
        if not does_something(trace):
            continue
        worse = any(grade(item.ref) is not None for item in trace.imports)
        if start < end and not worse:
            continue  # a part of the one before
        end = start + max((section.end for section in trace.sections), default=0)
        dangerous = worse
        kept = tuple(problem for problem in trace.problems if problem.kind not in ("trailing", "malformed"))
        yield start, replace(trace, problems=kept)
