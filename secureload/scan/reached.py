"""How far a trace has come in its bytes."""

from __future__ import annotations

from secureload.pickles.trace import Trace

__all__ = ["behind", "reached"]


def behind(trace: Trace) -> int | None:
    """Return where that begins which ``trace`` could not read as a pickle, None where it read everything."""
    offsets = [item.offset for item in trace.problems if item.kind == "trailing" and item.offset > 0]
    if any(item.kind == "malformed" for item in trace.problems):
        offsets.append(reached(trace))
    return min(offsets, default=None)


def reached(trace: Trace) -> int:
    """Return how far a trace has come: to the end of its last whole pickle, or to the last thing that it did.

    Where a pickle breaks off, the unpickler may have stepped over all the rest for one length that lies.
    """
    done = [item.offset for item in trace.imports] + [item.offset for item in trace.operations]
    broken = [item.offset for item in trace.problems if item.kind == "trailing"]
    if not any(item.kind in ("malformed", "limit") for item in trace.problems):
        done += [item.end for item in trace.sections if item.start not in broken]
    return max(done, default=0)
