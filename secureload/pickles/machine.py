"""The walker's stack, marks and memo, and its record of events: what every opcode works on.

The rules are those of ``pickle._Unpickler``, which joblib uses: a MARK puts the stack aside and begins a new
one. Source: ``Lib/pickle.py``.
"""

from __future__ import annotations

from array import array
from typing import Literal

from secureload.limits import Limits
from secureload.pickles.code_makers import makes_classes
from secureload.pickles.lane import replay
from secureload.pickles.names import effective_name
from secureload.pickles.symbols import KINDS, SCALAR, TEXT, Run, Span, Target, Value, WalkLimit, WalkStop
from secureload.pickles.trace import Anomaly, GlobalRef
from secureload.pickles.walk import Seen, Walk
from secureload.pickles.window import Kept, Window

__all__ = ["IMPORT", "Context", "Machine"]

IMPORT, CALL, NEW = 0, 1, 2
# Events whose offsets are kept one by one; a model has some thousands.
_MOST_EVENTS = 1 << 20
# No pickler jumps ahead in the memo; those of Python 2 begin at 1.
_MOST_JUMP = 1 << 16


class Context:
    """The state of one pickle: its stack, its marks, its memo, its protocol, the frame that it is in.

    ``below`` are the stacks that were put aside, ``fences`` what each was put aside for: None for a MARK, or a
    run of values that were not looked at and lie between that stack and the one above. ``memo`` has the indexes
    that follow each other from 0, ``sparse`` all others. ``frame_end`` is an offset in the stream, -1 outside
    of frames.
    """

    __slots__ = ("below", "fences", "frame_end", "memo", "protocol", "sparse", "stack", "start")

    def __init__(self, start: int) -> None:
        self.stack: list[Value] = []
        self.below: list[list[Value]] = []
        self.fences: list[Run | None] = []
        self.memo: list[Value] = []
        self.sparse: dict[int, Value] = {}
        self.protocol = 0
        self.frame_end = -1
        self.start = start


class Machine:
    """One walk's state. Positions are indexes into ``window.data``."""

    def __init__(self, window: Window, kept: Kept, limits: Limits) -> None:
        self.window = window
        self.kept = kept
        self.limits = limits
        self.context = Context(window.base)
        self.outer: list[Context] = []
        self.pickles = 0
        # How many runs an opcode has reached into.
        self.unfolded = 0
        self._globals: dict[tuple[bytes, bytes, bool], Target] = {}
        self._refs: dict[tuple[str, str], Target] = {}
        # What stands for everything that is computed, and for what a persistent id gives.
        self.computed, self._made = Target("call", None), Target("new", None)
        self.persistent = Target("persid", None)
        self._targets: list[Target] = []
        self._anomalies: dict[str, Anomaly] = {}
        self._events = array("Q")

    # -- stack, marks, memo ----------------------------------------------------------------------------

    def need(self, count: int) -> list[Value]:
        """Return the stack, with at least ``count`` values above the last MARK."""
        context = self.context
        while len(context.stack) < count:
            fence = context.fences[-1] if context.fences else None
            if fence is None:
                raise WalkStop("an opcode takes more than there is on the stack")
            self._unfold(context, fence)
        return context.stack

    def _unfold(self, context: Context, run: Run) -> None:
        self.unfolded += 1
        values, _ = self._replayed(run)
        stack = context.below.pop()
        context.fences.pop()
        stack += [self._taken(value) for value in values]
        stack += context.stack
        context.stack = stack

    def _replayed(self, run: Run) -> tuple[list[Value], list[Value]]:
        if run.values is None:
            run.values, run.memo = replay(self.kept.read(run))
        return run.values, run.memo

    def pop_mark(self) -> list[Value]:
        """Return the values above the last MARK, and take them and the MARK away."""
        context = self.context
        while context.fences and (fence := context.fences[-1]) is not None:
            self._unfold(context, fence)
        if not context.fences:
            raise WalkStop("an opcode takes everything above a MARK, and there is none")
        items = context.stack
        context.fences.pop()
        context.stack = context.below.pop()
        return items

    def under_mark(self) -> Value:
        """Return the value under the last MARK; a SCALAR where there is none, or one that nobody has looked at."""
        context = self.context
        for fence, stack in zip(reversed(context.fences), reversed(context.below), strict=True):
            if fence is None:
                return stack[-1] if stack else SCALAR
        raise WalkStop("an opcode takes everything above a MARK, and there is none")

    def drop_mark(self) -> int:
        """Take the last MARK and all above it away, and return how many values there were.

        Runs that nobody has looked at are not looked at for this; with one, the answer is only even.
        """
        context = self.context
        fences, below = context.fences, context.below
        count = len(context.stack)
        while fences:
            fence = fences.pop()
            context.stack = below.pop()
            if fence is None:
                return count
            count = 2
        raise WalkStop("an opcode takes everything above a MARK, and there is none")

    def take_run(self, start: int, end: int, stored: int) -> None:
        """Push what ``data[start:end]`` pushes, and store what it stores, without looking."""
        context = self.context
        run = self.kept.run(self.window, start, end, len(context.memo))
        context.memo += [run] * stored
        context.below.append(context.stack)
        context.fences.append(run)
        context.stack = []

    def get(self, index: int) -> Value:
        """Return what the memo has under ``index``."""
        memo = self.context.memo
        if not 0 <= index < len(memo):
            if index in self.context.sparse:
                return self.context.sparse[index]
            raise WalkStop(f"nothing is stored in the memo under {index}")
        passed = []
        while True:
            value = memo[index]
            if isinstance(value, Run):
                value = self._replayed(value)[1][index - value.first]
            passed.append(index)
            if not isinstance(value, int) or value >= 0:
                break
            index = -1 - value  # a run that takes it from further back
        for index in passed:
            memo[index] = value
        return value

    def _taken(self, value: Value) -> Value:
        """Return what a run pushes; what it takes from the memo is looked up there."""
        return self.get(-1 - value) if isinstance(value, int) and value < 0 else value

    def put(self, index: int, position: int) -> None:
        """Store the top of the stack in the memo."""
        context = self.context
        value = self.need(1)[-1]
        memo, sparse = context.memo, context.sparse
        if index == len(memo):
            memo.append(value)
            while sparse and len(memo) in sparse:
                memo.append(sparse.pop(len(memo)))
            return
        if index < len(memo) or index in sparse:
            before = self.get(index)
            if before != value and not (before.__class__ is int and value.__class__ is int):
                self.odd("memo.overwritten", f"memo entry {index} is given another name or value", position)
        elif index > len(memo) + len(sparse) + _MOST_JUMP:
            self.odd("memo.jump", f"memo index {index:,} is far beyond those in use", position)
        if index < len(memo):
            memo[index] = value
        else:
            sparse[index] = value

    def memoize(self, position: int) -> None:
        """Store the top of the stack under the number of entries."""
        self.put(len(self.context.memo) + len(self.context.sparse), position)

    # -- texts -----------------------------------------------------------------------------------------

    def name(self, value: Value) -> str | None:
        """Return a text that is a name; None where something computed stands in its place.

        Raises:
            WalkStop: it is no text.
        """
        if value.__class__ is Span:
            value = self.kept.read(value)
        if isinstance(value, bytes):
            try:
                return value.decode("utf-8", "surrogatepass")
            except UnicodeDecodeError as error:
                raise WalkStop("a text is not UTF-8") from error
        if isinstance(value, str):
            return value
        if isinstance(value, Target) or value == TEXT:
            return None
        raise WalkStop("a name is no text")

    # -- events ----------------------------------------------------------------------------------------

    def record(self, kind: int, target: Target, position: int, times: int = 1) -> None:
        """Record an event, whose opcode is at ``position``, so many times."""
        window = self.window
        offset = window.base + position if position >= window.joint else window.offset(position)
        counts = target.counts
        if not counts[kind]:
            target.firsts[kind] = offset
        counts[kind] += times
        if len(self._events) < _MOST_EVENTS:
            if times == 1:
                self._events.append(offset << 3 | kind)
            else:
                self._events.extend([offset << 3 | kind] * min(times, _MOST_EVENTS))

    def import_(self, module: bytes, name: bytes, position: int) -> Target:
        """Record an import and return what stands for the global.

        Raises:
            WalkStop: its name is not UTF-8, or there are too many.
        """
        key = (module, name, self.context.protocol < 3)
        target = self._globals.get(key)
        if target is None:
            target = self._globals[key] = self._new_global(self.name(module), self.name(name))
        self.record(IMPORT, target, position)
        return target

    def _new_global(self, module: str | None, name: str | None) -> Target:
        if len(self._globals) >= self.limits.trace_globals:
            raise WalkLimit(f"trace_globals: more than {self.limits.trace_globals:,} different imports")
        ref = effective_name(module or "", name or "", self.context.protocol)
        if ref not in self._refs:
            self._refs[ref] = self._target("", GlobalRef(*ref))
        return self._refs[ref]

    def _target(self, kind: Literal["", "call", "new"], of: GlobalRef | None) -> Target:
        target = Target(kind, of)
        self._targets.append(target)
        return target

    def make(self, kind: int, target: Target, position: int) -> Target:
        """Record that ``target`` is called or instantiated, and return what stands for the result."""
        self.record(kind, target, position)
        of = None if target.kind else target.of
        # What makes a class gives one class, however it is asked.
        if kind == CALL or makes_classes(of):
            if target.called is None:
                target.called = self.computed if of is None else self._target("call", of)
            return target.called
        if target.made is None:
            target.made = self._made if of is None else self._target("new", of)
        return target.made

    def odd(self, code: str, message: str, position: int) -> None:
        """Note an anomaly, of each code the first."""
        if code not in self._anomalies:
            self._anomalies[code] = Anomaly(code, message, self.window.offset(position))

    # -- the answer ------------------------------------------------------------------------------------

    def walked(self, stopped: str, stopped_at: int, *, at_limit: bool, slow_bytes: int) -> Walk:
        """Return all that was seen."""
        targets = (*self._targets, self.computed, self._made, self.persistent)
        return Walk(
            seen=tuple(seen for target in targets for seen in _seen(target)),
            anomalies=tuple(self._anomalies.values()),
            events=self._events,
            pickles=self.pickles,
            slow_bytes=slow_bytes,
            stopped=stopped,
            at_limit=at_limit,
            stopped_at=stopped_at,
        )


def _seen(target: Target) -> list[Seen]:
    counts = target.counts
    if not any(counts):
        return []
    value, firsts = target.value, target.firsts
    return [Seen(KINDS[kind], value, times, firsts[kind]) for kind, times in enumerate(counts) if times]
