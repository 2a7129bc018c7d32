"""A trace by the second reader alone: for a payload that the unpickler itself does not get to its end.

It names what would be imported and called, and where; of arguments it knows nothing.
"""

from __future__ import annotations

from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.source import ByteSource
from secureload.pickles.trace import TOO_SLOW, Elided, Import, Operation, Reading, Trace, TraceProblem
from secureload.pickles.walk import Seen
from secureload.pickles.walker import walk_stream

__all__ = ["walked_trace"]


def walked_trace(
    source: ByteSource,
    *,
    reading: Reading | None = None,
    bytes_total: int = -1,
    compression: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Trace:
    """Return what the walk over ``source`` sees, as a trace that says that this is not all."""
    walk = walk_stream(source, limits=limits)
    return Trace(
        reading=reading or "pickle",
        compression=compression,
        imports=tuple(Import(seen.target, seen.times, seen.offset) for seen in walk.imports),  # type: ignore[arg-type]  # imports are of globals
        operations=tuple(map(_operation, walk.operations)),
        problems=(TraceProblem("limit", TOO_SLOW, 0),),
        bytes_total=max(bytes_total, 0),
        pickles=max(walk.pickles, 1),
        anomalies=walk.anomalies,
    )


def _operation(seen: Seen) -> Operation:
    assert seen.kind != "import"  # noqa: S101  # for mypy: Walk.operations has none
    return Operation(seen.kind, seen.target, (Elided(),), count=seen.times, offset=seen.offset)
