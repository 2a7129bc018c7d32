"""Two readers of the same bytes, compared: the trace of CPython's unpickler, and the walk over the opcodes.

What only one of them sees is a disagreement: either a reader is wrong, or the bytes mean different things to
different unpicklers. Where both agree, the walk's exact offsets take the place of the trace's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.source import ByteSource
from secureload.pickles.symbols import KINDS
from secureload.pickles.trace import (
    Anomaly,
    Collection,
    Disagreement,
    GlobalRef,
    Operation,
    OperationKind,
    Result,
    Trace,
)
from secureload.pickles.walk import Walk
from secureload.pickles.walker import walk_stream

__all__ = ["second_opinion"]

_MOST = 1_000
# What happens to what; and how often it does, and where first.
_Key: TypeAlias = "tuple[Literal['import'] | OperationKind, GlobalRef | Result]"
_Count: TypeAlias = tuple[int, int]
_NEVER: _Count = (0, -1)
_UNKNOWN = (Result("persid", None), Result("new", None), Result("call", None))


def second_opinion(
    trace: Trace, open_source: Callable[[], ByteSource], limits: Limits = DEFAULT_LIMITS
) -> Trace:
    """Return ``trace`` with the walker's opinion of the same stream, and with its exact offsets.

    ``open_source`` opens the stream that was traced, from its beginning; it is called once or more. Whatever
    the bytes, this returns: where the walker fails, that is an anomaly.
    """
    try:
        return _compared(trace, _walks(trace, open_source, limits))
    except Exception as error:  # a defect of the walker must not hide what the trace has found
        failed = Anomaly("walker.failed", f"the second reader failed ({type(error).__name__})")
        return replace(trace, anomalies=(failed,))


def _walks(trace: Trace, open_source: Callable[[], ByteSource], limits: Limits) -> list[Walk]:
    walk = walk_stream(open_source(), sections=trace.sections, limits=limits)
    if any(_disagreements(trace, [walk])):
        # Nothing is taken for granted now: every opcode is looked at.
        walk = walk_stream(open_source(), sections=trace.sections, limits=limits, fast=False)
    walks = [walk]
    if any(anomaly.code.startswith("frame.") for anomaly in walk.anomalies):
        walks.append(walk_stream(open_source(), sections=trace.sections, limits=limits, frames="restarted"))
    return walks


def _compared(trace: Trace, walks: Sequence[Walk]) -> Trace:
    anomalies = list(dict.fromkeys(anomaly for walk in walks for anomaly in walk.anomalies))
    if walks[0].stopped and not trace.problems:
        message = f"the second reader went no further: {walks[0].stopped}"
        anomalies.append(Anomaly("walker.stopped", message, walks[0].stopped_at))
    firsts = [{seen.ref: seen.offset for seen in walk.imports} for walk in walks]
    return replace(
        trace,
        imports=tuple(
            replace(item, offset=_exact(item.offset, [first.get(item.ref, -1) for first in firsts]))
            for item in trace.imports
        ),
        operations=tuple(
            replace(item, offset=_exact(item.offset, [_event_offset(walk, item) for walk in walks]))
            for item in trace.operations
        ),
        disagreements=tuple(_disagreements(trace, walks))[:_MOST],
        anomalies=tuple(anomalies),
    )


def _exact(traced: int, walked: Sequence[int]) -> int:
    """Return the first exact offset; the trace's tells how far its reader had come, so it is not smaller."""
    return next((offset for offset in walked if 0 <= offset <= traced), traced)


def _event_offset(walk: Walk, operation: Operation) -> int:
    """Return the offset of the event that stands where the trace has this operation; -1 if it is another."""
    ordinal = operation.first - 1
    if not 0 <= ordinal < len(walk.events):
        return -1
    event = walk.events[ordinal]
    return event >> 3 if KINDS[event & 7] == operation.kind else -1


def _disagreements(trace: Trace, walks: Sequence[Walk]) -> Iterator[Disagreement]:
    traced = _traced(trace)
    walked = [_walked(walk) for walk in walks]
    more_walked: dict[_Key, _Count] = {}
    for key in dict.fromkeys(key for seen in walked for key in seen):
        most, offset = max((seen[key] for seen in walked if key in seen), key=lambda count: count[0])
        if most > traced.get(key, _NEVER)[0]:
            more_walked[key] = (most - traced.get(key, _NEVER)[0], offset)
    more_traced: dict[_Key, _Count] = {}
    for key, (count, offset) in traced.items():
        most = max(seen.get(key, _NEVER)[0] for seen in walked)
        if count > most:
            more_traced[key] = (count - most, offset)
    if _has_classes_by_id(trace):
        _cancel(more_walked, more_traced)
    for key, (_, offset) in more_walked.items():
        yield Disagreement("walker", *key, offset)
    for key, (_, offset) in more_traced.items():
        yield Disagreement("unpickler", *key, offset)


def _has_classes_by_id(trace: Trace) -> bool:
    """Whether a persistent id stands for a class, as PyTorch before 1.6 writes those of modules.

    The walk keeps no tuples, so that to it the class is not known.
    """
    return trace.reading == "torch" and any(
        isinstance(id_, Collection) and any(isinstance(item, GlobalRef) for item in id_.items[:2])
        for operation in trace.operations
        if operation.kind == "persid"
        for id_ in operation.args
    )


def _cancel(walked: dict[_Key, _Count], traced: dict[_Key, _Count]) -> None:
    """Take out what only the walk sees done to unknown classes, where the unpickler saw it done to known ones."""
    for kind in KINDS[1:]:
        unknown = [key for key in walked if key[0] == kind and key[1] in _UNKNOWN]
        known = [key for key in traced if key[0] == kind]
        if sum(walked[key][0] for key in unknown) == sum(traced[key][0] for key in known):
            for key in unknown:
                del walked[key]
            for key in known:
                del traced[key]


def _traced(trace: Trace) -> dict[_Key, _Count]:
    counts: dict[_Key, _Count] = {("import", item.ref): (item.count, item.offset) for item in trace.imports}
    for operation in trace.operations:
        target = operation.target
        # A persistent id has no target but its result.
        of = target if isinstance(target, GlobalRef | Result) else Result("persid", None)
        before, offset = counts.get((operation.kind, of), (0, operation.offset))
        counts[operation.kind, of] = (before + operation.count, offset)
    return counts


def _walked(walk: Walk) -> dict[_Key, _Count]:
    counts: dict[_Key, _Count] = {("import", seen.ref): (seen.count, seen.offset) for seen in walk.imports}
    counts.update(
        ((operation.kind, operation.target), (operation.count, operation.offset))
        for operation in walk.operations
    )
    return counts
