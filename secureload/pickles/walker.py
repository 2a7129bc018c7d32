"""The second reader of a pickle: a walk over its opcodes, with the offset of each that imports or calls.

It is independent of the C unpickler that the inert VM runs, and follows the rules of ``pickle._Unpickler``,
the one in Python that joblib uses. Nothing is built: the stack holds tags (:mod:`secureload.pickles.symbols`).
Where unpicklers differ in how they read the bytes, the walk goes on as long as one of them does; the one
difference in which they read *different* bytes is an argument that reaches beyond its frame:

* ``pickle.loads`` ignores frames: the argument goes on behind the frame's end ("joined");
* ``pickle.load`` of a file, before CPython 3.13.15 and 3.14.7, drops the rest of the frame and reads the argument
  from behind it ("restarted");
* ``pickle._Unpickler`` and later versions refuse it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from secureload.errors import SecureloadError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.frames import broken_piece
from secureload.pickles.lane import Lane
from secureload.pickles.machine import Context, Machine
from secureload.pickles.operations import OPERATIONS, PickleEnd
from secureload.pickles.source import ByteSource
from secureload.pickles.stretches import stretches
from secureload.pickles.symbols import BYTES, PUSHED, SIZES, TUPLE, Run, WalkLimit, WalkStop
from secureload.pickles.trace import Section
from secureload.pickles.walk import Walk
from secureload.pickles.window import Kept, Window

__all__ = ["FrameReading", "walk_stream"]

FrameReading: TypeAlias = Literal["joined", "restarted"]

# To look for runs, patterns are compiled, once in a process: before that is done, so few bytes are walked.
_WORTH_A_LOOK = 4_096
_SHORT = bytes(3)  # the upper bytes of a length below 256
# Opcodes that only build plain data.
_BUILDING = frozenset(b"(.aestuldgjpqrBCXSVIFLTU" + bytes((0x85, 0x86, 0x87, 0x8A, 0x90, 0x91, 0x94)))


def walk_stream(
    source: ByteSource,
    *,
    sections: Sequence[Section] = (),
    frames: FrameReading = "joined",
    fast: bool = True,
    limits: Limits = DEFAULT_LIMITS,
) -> Walk:
    """Walk every pickle in ``source``, from where it stands, and return what each opcode would do.

    ``sections`` are those of a trace of the same stream: the raw bytes of arrays are stepped over, and pickles
    inside of a pickle are walked where they stand. ``fast`` allows runs of plain data to be matched as a whole;
    without it, every opcode is looked at, and every text decoded. Whatever the bytes, this returns.
    """
    return _Walker(source, sections, frames, fast, limits).run()


class _Done(Exception):  # noqa: N818  # the stream ends where a pickle does
    """Nothing follows."""


class _Walker:
    def __init__(
        self,
        source: ByteSource,
        sections: Sequence[Section],
        frames: FrameReading,
        fast: bool,
        limits: Limits,
    ) -> None:
        skipped = stretches(sections, source.tell())
        self._next = list(reversed(skipped))
        self._window = Window(source, [section.start for section in skipped])
        self._machine = Machine(self._window, Kept(source, limits.walker_kept_bytes), limits)
        self._restart = frames == "restarted"
        self._fast = fast and not self._restart
        self._limits = limits
        # Positions: up to where opcodes may begin without looking up, where runs must end, where we are.
        self._limit = 0
        self._lane_end = 0
        self._position = 0
        self._lane = Lane()
        # Bytes that were walked opcode by opcode, before this window.
        self._slow = 0

    def run(self) -> Walk:
        stopped, at_limit = "", False
        try:
            while True:
                try:
                    self._steps()
                except PickleEnd as end:
                    self._ended(end.position)
        except _Done:
            pass
        except WalkStop as stop:
            stopped, at_limit = str(stop), isinstance(stop, WalkLimit)
        except SecureloadError as error:
            stopped, at_limit = error.message, True
        except MemoryError:
            at_limit = True
            stopped = "tracer_memory_bytes: the walk asks for more memory than the tracer has"
        position = min(self._position, self._window.end)
        offset = self._window.offset(position)
        return self._machine.walked(
            stopped, offset if stopped else -1, at_limit=at_limit, slow_bytes=self._slow + position
        )

    def _ended(self, position: int) -> None:
        """One pickle is complete: go on with the one around it, or with the next."""
        machine = self._machine
        machine.pickles += 1
        if machine.pickles >= self._limits.trace_pickles:
            raise WalkLimit(f"trace_pickles: more than {self._limits.trace_pickles:,} pickles in one file")
        offset = self._window.offset(position)
        rest = machine.context.frame_end - offset
        if rest > 0:
            machine.odd("frame.rest", "a frame goes on behind the STOP of its pickle", position)
            # Read from a file, all of the frame was read, and the next pickle begins behind it.
            offset, position = (offset + rest, position + rest) if self._restart else (offset, position)
        self._position = position
        machine.context = machine.outer.pop() if machine.outer else Context(offset)

    # -- the window ------------------------------------------------------------------------------------

    def _attend(self, position: int) -> int:
        """See to frames, to the end of the window and of the stretch; return the position of the next opcode."""
        window = self._window
        while True:
            if position > window.end and window.last:
                position = self._cut_off(position)
            self._see_frame(position)
            if position < (window.end if window.last else window.safe):
                break
            if not window.last:
                self._count(min(position, window.end))
                position = window.advance(position)
            elif window.at_barrier:
                self._pass_barrier()
                position = 0
            else:
                self._end_of_stream(position)
        if self._restart:
            position = self._drop_rest_of_frame(position)
        self._set_limits()
        return position

    def _count(self, size: int) -> None:
        """Count what was walked of the window, less what was stepped over in runs."""
        self._slow += size
        if self._slow > self._limits.walker_slow_bytes:
            raise WalkLimit(
                f"walker_slow_bytes: more than {self._limits.walker_slow_bytes:,} bytes of opcodes"
            )

    def _set_limits(self) -> None:
        window, frame_end = self._window, self._machine.context.frame_end
        self._limit, self._lane_end = window.safe, window.end
        if frame_end >= 0:
            self._limit = min(self._limit, frame_end - window.base)
            self._lane_end = min(self._lane_end, frame_end - window.base)
        if self._restart:
            self._limit = 0

    def _see_frame(self, position: int) -> None:
        context, offset = self._machine.context, self._window.offset(position)
        if 0 <= context.frame_end <= offset:
            if context.frame_end < offset:
                self._crossed(position - (offset - context.frame_end))
            context.frame_end = -1

    def _crossed(self, position: int) -> None:
        self._machine.odd("frame.crossed", "an argument reaches beyond its frame", position)

    def _cut_off(self, position: int) -> int:
        window = self._window
        self._see_frame(position)
        if not window.at_barrier:
            raise WalkStop("the stream ends in the middle of an argument")
        # Array bytes follow a BUILD; whatever reads them as its argument, reads on behind them.
        self._crossed(window.end)
        return window.end

    def _end_of_stream(self, position: int) -> None:
        context = self._machine.context
        if context.frame_end >= 0:
            self._machine.odd("frame.beyond", "a frame is longer than what follows", position)
        if self._window.offset(position) == context.start and not self._machine.outer:
            raise _Done
        raise WalkStop("the stream ends before the STOP of its pickle")

    def _pass_barrier(self) -> None:
        section, machine = self._next.pop(), self._machine
        self._count(self._window.end)
        if section.kind == "pickle":
            machine.outer.append(machine.context)
            machine.context = Context(section.start)
        elif machine.context.start == section.start:
            machine.context.start = section.end  # raw bytes between two pickles
        self._window.pass_barrier(section.start if section.kind == "pickle" else section.end)

    def _drop_rest_of_frame(self, position: int) -> int:
        """Take out what the opcode at ``position`` would drop, and return its position."""
        window, context = self._window, self._machine.context
        frame_end = context.frame_end - window.base
        if context.frame_end >= 0 and (piece := broken_piece(window.data, position, frame_end)) >= 0:
            self._crossed(frame_end)
            window.cut_out(piece, frame_end)
            context.frame_end = -1
            if not window.last:
                return window.advance(position)
        return position

    # -- the opcodes -----------------------------------------------------------------------------------

    def _steps(self) -> None:
        """Walk opcode by opcode; what ends this is an exception. The most frequent opcodes stand here."""
        machine, window, lane, fast = self._machine, self._window, self._lane, self._fast
        # ``limit`` is where to look up next: at ``bound``, or where nothing but data was seen for some time.
        position, limit, bound, quiet = self._position, 0, 0, lane.wait(0)
        data, context = window.data, machine.context
        stack, memo, sparse = context.stack, context.memo, context.sparse
        try:
            while True:
                if position >= limit:
                    if position >= bound:
                        position = self._attend(position)
                        data, context, bound = window.data, machine.context, self._limit
                        stack, memo, sparse = context.stack, context.memo, context.sparse
                        limit = bound
                    end = self._take_run(position) if fast else position
                    if end > position:
                        # One opcode that did not fit, and the next run may follow.
                        position, stack, limit = end, context.stack, min(bound, end + 1)
                        continue
                    limit = min(bound, position + lane.wait(data[position]))
                    quiet = lane.wait(0)
                code = data[position]
                size = SIZES[code]
                if size:
                    stack.append(PUSHED[code])
                    position += size
                elif code == 0x94 and stack and not sparse:  # MEMOIZE
                    memo.append(stack[-1])
                    position += 1
                elif code == 0x68 and (index := data[position + 1]) < len(memo):  # BINGET
                    value = memo[index]
                    stack.append(machine.get(index) if value.__class__ is Run else value)
                    position += 2
                elif code == 0x8C and fast:  # SHORT_BINUNICODE, nearly always with its MEMOIZE
                    end = position + 2 + data[position + 1]
                    value = data[position + 2 : end]
                    stack.append(value)
                    position = end
                    if end < limit and data[end] == 0x94 and not sparse:
                        memo.append(value)
                        position += 1
                elif code == 0x58 and fast and data[position + 2 : position + 5] == _SHORT:  # BINUNICODE
                    end = position + 5 + data[position + 1]
                    stack.append(data[position + 5 : end])
                    position = end
                elif 0x85 <= code <= 0x87 and len(stack) >= code - 0x84:  # TUPLE1, TUPLE2, TUPLE3
                    if code > 0x85:
                        del stack[0x85 - code :]
                    stack[-1] = TUPLE
                    position += 1
                    if position < limit and data[position] == 0x94 and not sparse:
                        memo.append(TUPLE)
                        position += 1
                elif code == 0x43:  # SHORT_BINBYTES
                    stack.append(BYTES)
                    position += 2 + data[position + 1]
                elif code == 0x71 and stack and data[position + 1] == len(memo) and not sparse:  # BINPUT
                    memo.append(stack[-1])
                    position += 2
                elif code == 0x72 and stack and not sparse and _index(data, position) == len(memo):
                    memo.append(stack[-1])  # LONG_BINPUT
                    position += 5
                else:
                    operation = OPERATIONS[code]
                    if operation is None:
                        raise WalkStop(f"{code:#04x} is no opcode")
                    position = operation(machine, data, position)
                    data, stack = window.data, context.stack
                    if code not in _BUILDING:
                        limit = position + quiet if position + quiet < bound else bound
                    if code == 0x95:  # FRAME
                        limit = bound = 0
        finally:
            self._position = position

    def _take_run(self, position: int) -> int:
        """Step over a run of plain data, if there is one that is worth it, and return where it ends."""
        context, data = self._machine.context, self._window.data
        if context.sparse or self._window.joint > position or self._lane_end - position < _WORTH_A_LOOK:
            return position
        end, stored = self._lane.find_run(
            data, position, self._lane_end, context.protocol, len(context.memo), self._machine.unfolded
        )
        if end > position:
            self._machine.take_run(position, end, stored)
            self._slow -= end - position
        return end


def _index(data: bytes, position: int) -> int:
    return int.from_bytes(data[position + 1 : position + 5], "little")
