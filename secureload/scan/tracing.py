"""One pickle, by every reader of pickles: the inert VM, both of joblib's readings, and what the stream says itself."""

from __future__ import annotations

from typing import Literal

from secureload.errors import LimitError
from secureload.formats.expanding import ExpandingReader
from secureload.formats.reading import Opener
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.agreement import other_opinion, second_opinion
from secureload.pickles.between import Between
from secureload.pickles.stretches import pickle_reads_on
from secureload.pickles.trace import Reading, Trace, TraceProblem
from secureload.pickles.vm import trace_stream, with_pickle_reading
from secureload.pickles.walked import walked_trace
from secureload.values import replace

__all__ = ["does_something", "trace_pickle"]


def trace_pickle(
    opened: Opener,
    *,
    reading: Reading | None = None,
    between: Between | None = None,
    bytes_total: int = -1,
    compression: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    unpickles: bool = True,
) -> Trace:
    """Return the trace of the pickles in the stream that ``opened`` gives, from its beginning each time.

    ``reading`` is the loader where it is known, ``between`` knows what stands between the pickles,
    ``bytes_total`` is the size where it is known (-1: it is counted). Without ``unpickles`` the second reader is
    the only one.
    """
    stream = opened()
    if not unpickles:
        return walked_trace(
            stream, reading=reading, bytes_total=bytes_total, compression=compression, limits=limits
        )
    trace = trace_stream(
        stream,
        limits=limits,
        compression=compression,
        bytes_total=bytes_total,
        reading=reading,
        between=between,
    )
    if isinstance(stream, ExpandingReader):
        trace = _to_its_end(trace, stream)
    trace = second_opinion(trace, opened, limits)
    if trace.reading == "joblib" and pickle_reads_on(trace, opened()):
        trace = other_opinion(with_pickle_reading(trace, opened(), limits=limits), opened, limits)
    return trace


def does_something(trace: Trace) -> bool:
    """Whether a pickle imports anything under a name that could be one; random bytes hit upon an opcode at times."""
    return any(_is_name(item.ref.module) and _is_name(item.ref.name) for item in trace.imports)


def _is_name(text: str) -> bool:
    return bool(text) and all(part.isidentifier() for part in text.split("."))


def _to_its_end(trace: Trace, reader: ExpandingReader) -> Trace:
    reader.drain()
    problems = list(trace.problems)
    if reader.failure is not None:
        failure = reader.failure
        kind: Literal["limit", "malformed"] = "limit" if isinstance(failure, LimitError) else "malformed"
        message = failure.named if isinstance(failure, LimitError) else failure.message
        problem = TraceProblem(kind, message, reader.tell())
        problems = [problem, *(other for other in problems if other.kind == "trailing")]
    elif reader.trailing_bytes:
        message = f"{reader.trailing_bytes:,} bytes behind the {reader.compression} stream were not examined"
        problems.append(TraceProblem("trailing", message))
    return replace(trace, problems=tuple(problems), bytes_total=reader.tell())
