"""Two readers of the same bytes, compared: the trace of CPython's unpickler, and the walk over the opcodes.

What only one of them sees is a disagreement: either a reader is wrong, or the bytes mean different things to
different unpicklers. Where both agree, the walk's exact offsets take the place of the trace's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.source import ByteSource
from secureload.pickles.symbols import KINDS
from secureload.pickles.trace import (
    Anomaly,
    Collection,
    Disagreement,
    GlobalRef,
    Import,
    Operation,
    Result,
    Trace,
)
from secureload.pickles.walk import Seen, Walk
from secureload.pickles.walker import walk_stream
from secureload.values import replace

__all__ = ["other_opinion", "second_opinion"]

_MOST = 1_000
# What happens to what, in words that are quick to compare; how often, and where first.
_Key: TypeAlias = tuple[str, ...]
_Counts: TypeAlias = dict[_Key, Seen]
_GETATTR_RESULT = Result("call", GlobalRef("builtins", "getattr"))
_UNKNOWN = (Result("persid", None), Result("new", None), Result("call", None))


def second_opinion(
    trace: Trace, open_source: Callable[[], ByteSource], limits: Limits = DEFAULT_LIMITS
) -> Trace:
    """Return ``trace`` with the walker's opinion of the same stream, and with its exact offsets.

    ``open_source`` opens the stream that was traced, from its beginning; it is called once or more. Whatever
    the bytes, this returns: where the walker fails, that is an anomaly.
    """
    try:
        return _compared(trace, open_source, limits)
    except Exception as error:  # a defect of the walker must not hide what the trace has found
        failed = Anomaly("walker.failed", f"the second reader failed ({type(error).__name__})")
        return replace(trace, anomalies=(failed,))


def _compared(trace: Trace, open_source: Callable[[], ByteSource], limits: Limits) -> Trace:
    def walked(**options: Any) -> Walk:
        left = replace(limits, walker_slow_bytes=max(limits.walker_slow_bytes - sum(slow), 0))
        walk = walk_stream(open_source(), sections=trace.sections, limits=left, **options)
        slow.append(walk.slow_bytes)
        return walk

    slow: list[int] = []
    traced = _traced(trace)
    walks = [walked()]
    found = _disagreements(trace, traced, walks)
    if found and not walks[0].at_limit:
        # Nothing is taken for granted now: every opcode is looked at.
        careful = walked(fast=False)
        walks = walks if careful.at_limit else [careful]
    if any(anomaly.code.startswith("frame.") for anomaly in walks[0].anomalies):
        walks.append(walked(frames="restarted"))
    if found:
        found = _disagreements(trace, traced, walks)
    return replace(
        trace,
        imports=_placed_imports(trace.imports, walks),
        operations=_placed_operations(trace.operations, walks),
        disagreements=tuple(found[:_MOST]),
        anomalies=_anomalies(trace, walks),
    )


def other_opinion(
    trace: Trace, open_source: Callable[[], ByteSource], limits: Limits = DEFAULT_LIMITS
) -> Trace:
    """Return ``trace``, a joblib reading that has its other one, with what only the walk of that one imports.

    Array bytes that are taken for opcodes hit upon an import at times, so that only what could be a name counts.
    """
    try:
        walk = walk_stream(open_source(), limits=replace(limits, trace_pickles=1))
    except Exception as error:  # as above
        failed = Anomaly("walker.failed", f"the second reader failed ({type(error).__name__})")
        return replace(trace, anomalies=(*trace.anomalies, failed))
    known = {item.ref for item in (*trace.imports, *trace.other_imports)}
    found = [
        Disagreement("walker", "import", seen.target, seen.offset)
        for seen in walk.imports
        if isinstance(seen.target, GlobalRef) and seen.target not in known and _could_be(seen.target)
    ]
    return replace(trace, disagreements=(*trace.disagreements, *found)[:_MOST]) if found else trace


def _could_be(ref: GlobalRef) -> bool:
    return all(part.isidentifier() for part in (*ref.module.split("."), *ref.name.split(".")))


def _anomalies(trace: Trace, walks: Sequence[Walk]) -> tuple[Anomaly, ...]:
    anomalies = dict.fromkeys(anomaly for walk in walks for anomaly in walk.anomalies)
    if walks[0].stopped and not trace.problems:
        message = f"the second reader went no further: {walks[0].stopped}"
        anomalies[Anomaly("walker.stopped", message, walks[0].stopped_at)] = None
    return tuple(anomalies)


# -- offsets ------------------------------------------------------------------------------------------------


def _placed_imports(imports: Sequence[Import], walks: Sequence[Walk]) -> tuple[Import, ...]:
    firsts = [{_name(seen.target): seen.offset for seen in walk.imports} for walk in walks]
    found = []
    for item in imports:
        exact = _exact(item.offset, [first.get(_name(item.ref), -1) for first in firsts])
        found.append(Import(item.ref, item.count, exact))
    return tuple(found)


def _placed_operations(operations: Sequence[Operation], walks: Sequence[Walk]) -> tuple[Operation, ...]:
    found = []
    for old in operations:
        exact = _exact(old.offset, [_event_offset(walk, old) for walk in walks])
        # Not by replace, which takes twice as long.
        found.append(Operation(old.kind, old.target, old.args, old.kwargs, old.count, old.first, exact))
    return tuple(found)


def _exact(traced: int, walked: Sequence[int]) -> int:
    """Return the first exact offset; the trace's tells how far its reader had come, so it is not smaller."""
    for offset in walked:
        if 0 <= offset <= traced:
            return offset
    return traced


def _event_offset(walk: Walk, operation: Operation) -> int:
    """Return the offset of the event that stands where the trace has this operation; -1 if it is another."""
    ordinal = operation.first - 1
    if not 0 <= ordinal < len(walk.events):
        return -1
    event = walk.events[ordinal]
    return event >> 3 if KINDS[event & 7] == operation.kind else -1


# -- disagreements ------------------------------------------------------------------------------------------


def _disagreements(trace: Trace, traced: _Counts, walks: Sequence[Walk]) -> list[Disagreement]:
    walked: _Counts = {}
    for walk in walks:
        for seen in walk.seen:
            key = (seen.kind, *_name(seen.target))
            if key not in walked or walked[key].times < seen.times:
                walked[key] = seen
    more_walked = _more(walked, traced)
    more_traced = [] if walks[0].at_limit else _more(traced, walked)
    if more_walked and more_traced and _has_classes_by_id(trace):
        _cancel(more_walked, more_traced)
    return [
        *(Disagreement("walker", seen.kind, seen.target, seen.offset) for seen in more_walked),
        *(Disagreement("unpickler", seen.kind, seen.target, seen.offset) for seen in more_traced),
    ]


def _more(seen_by_one: _Counts, by_the_other: _Counts) -> list[Seen]:
    """Return what one reader sees more often, and how much more."""
    found = []
    for key, seen in seen_by_one.items():
        other = by_the_other.get(key)
        if other is None:
            found.append(seen)
        elif other.times < seen.times:
            found.append(seen._replace(times=seen.times - other.times))
    return found


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


def _cancel(walked: list[Seen], traced: list[Seen]) -> None:
    """Take out what only the walk sees done to unknown classes, where the unpickler saw it done to known ones."""
    for kind in KINDS[1:]:
        unknown = [seen for seen in walked if seen.kind == kind and seen.target in _UNKNOWN]
        known = [seen for seen in traced if seen.kind == kind]
        if sum(seen.times for seen in unknown) == sum(seen.times for seen in known):
            walked[:] = [seen for seen in walked if seen.kind != kind or seen.target not in _UNKNOWN]
            traced[:] = [seen for seen in traced if seen.kind != kind]


def _traced(trace: Trace) -> _Counts:
    counts: _Counts = {
        ("import", item.ref.module, item.ref.name): Seen("import", item.ref, item.count, item.offset)
        for item in trace.imports
    }
    for operation in trace.operations:
        target, count, offset = operation.target, operation.count, operation.offset
        if not isinstance(target, GlobalRef | Result):
            target = Result("persid", None)  # a persistent id has no target but its result
        elif isinstance(target, Result) and target.kind == "attribute":
            target = _GETATTR_RESULT  # the walk keeps no texts, so that to it the attribute has no name
        key = (operation.kind, *_name(target))
        if key in counts:
            count, offset = count + counts[key].times, counts[key].offset
        counts[key] = Seen(operation.kind, target, count, offset)
    return counts


def _name(target: GlobalRef | Result) -> _Key:
    if isinstance(target, GlobalRef):
        return (target.module, target.name)
    return (target.kind, "", "") if target.of is None else (target.kind, target.of.module, target.of.name)
