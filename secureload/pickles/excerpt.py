"""The opcodes around a place in a pickle, a line each, for people: what ``--explain`` shows of a finding.

Only where opcodes begin and end is followed here, which depends on nothing but their own bytes
(:mod:`secureload.pickles.opcodes`); what they do is judged elsewhere.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.opcodes import OPCODES, Opcode
from secureload.pickles.source import ByteSource
from secureload.printable import printable

__all__ = ["excerpts"]

_BEFORE: Final = 5
_AFTER: Final = 2
_CHUNK_BYTES: Final = 1 << 16
# Of an argument so much is looked at; the rest is stepped over.
_KEPT_BYTES: Final = 96
_SHOWN_CHARS: Final = 72
_BIG_ENDIAN: Final = frozenset({"BINFLOAT"})
_SIGNED: Final = frozenset({"BININT"})
_TEXTS: Final = frozenset({"BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"})
_LONGS: Final = frozenset({"LONG1", "LONG4"})


@dataclass(frozen=True, slots=True)
class _Step:
    """One opcode: where it begins, the beginning of its argument, and how long that is."""

    offset: int
    opcode: Opcode
    argument: bytes
    length: int


@dataclass(slots=True)
class _Excerpt:
    """What is shown around the opcode at which ``steps`` ended when it began, and how many more follow."""

    wanted: list[int]
    steps: list[_Step]
    at: int = field(default=-1)
    missing: int = _AFTER


def excerpts(
    stream: ByteSource,
    offsets: Iterable[int],
    *,
    gaps: Sequence[tuple[int, int]] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> dict[int, tuple[str, ...]]:
    """Return for each of ``offsets`` the opcode there and a few before and behind it, a printable line each.

    ``gaps`` are the (start, end) of bytes that are no opcodes, ascending. An offset that is not reached within
    the limit ``explained_items``, or at which no opcode can be read, is left out.
    """
    wanted = deque(sorted({offset for offset in offsets if offset >= 0}))
    before: deque[_Step] = deque(maxlen=_BEFORE)
    begun: list[_Excerpt] = []
    steps = _steps(_Bytes(stream), gaps)
    for _, step in zip(range(limits.explained_items), steps, strict=False):
        for excerpt in begun:
            if excerpt.missing:
                excerpt.steps.append(step)
                excerpt.missing -= 1
        here = []
        while wanted and wanted[0] < step.offset + 1 + step.length:
            here.append(wanted.popleft())
        if here:
            begun.append(_Excerpt(here, [*before, step], len(before)))
        before.append(step)
        if not wanted and not any(excerpt.missing for excerpt in begun):
            break
    return {offset: _lines(excerpt) for excerpt in begun for offset in excerpt.wanted}


class _Bytes:
    """The stream, looked at from its beginning; ``offset`` is where we are."""

    def __init__(self, stream: ByteSource) -> None:
        self._stream = stream
        self._data = b""
        self._base = stream.tell()
        self._position = 0

    @property
    def offset(self) -> int:
        return self._base + self._position

    def peek(self, size: int) -> bytes:
        """Return the next ``size`` bytes, fewer at the end, and stay."""
        while len(self._data) - self._position < size:
            piece = self._stream.read(max(_CHUNK_BYTES, size))
            if not piece:
                break
            self._data = self._data[self._position :] + piece
            self._base += self._position
            self._position = 0
        return self._data[self._position : self._position + size]

    def go_to(self, offset: int) -> bool:
        """Go on to ``offset``; return whether the stream reaches so far."""
        position = offset - self._base
        if position > len(self._data):
            ahead = position - len(self._data)
            while ahead > 0:
                skipped = self._stream.skip(ahead)
                if not skipped:
                    return False
                ahead -= skipped
            self._data, self._base, position = b"", offset, 0
        self._position = position
        return True

    def line(self, start: int) -> int:
        """Return the length of the line that begins ``start`` bytes from here, with its newline; 0 if it has none."""
        for size in (_KEPT_BYTES, _CHUNK_BYTES):  # most lines are short
            found = self.peek(start + size).find(b"\n", start)
            if found >= 0:
                return found + 1 - start
        return 0


def _steps(data: _Bytes, gaps: Sequence[tuple[int, int]]) -> Iterator[_Step]:
    """Yield one opcode after the other, until there is none."""
    left = deque(gaps)
    while True:
        while left and left[0][0] <= data.offset:
            end = left.popleft()[1]
            if end > data.offset and not data.go_to(end):
                return
        code = data.peek(1)
        opcode = OPCODES.get(code[0]) if code else None
        if opcode is None:
            return
        length = _length(data, opcode)
        if length < 0:
            return
        head = data.peek(1 + min(length, _KEPT_BYTES))[1:]
        yield _Step(data.offset, opcode, head, length)
        if not data.go_to(data.offset + 1 + length):
            return


def _length(data: _Bytes, opcode: Opcode) -> int:
    """Return how long the argument is, with the length that stands before it; -1 where it does not end."""
    if opcode.lines:
        length = 0
        for _ in range(opcode.lines):
            line = data.line(1 + length)
            if not line:
                return -1
            length += line
        return length
    if not opcode.counted:
        return opcode.fixed if len(data.peek(1 + opcode.fixed)) == 1 + opcode.fixed else -1
    prefix = data.peek(1 + opcode.counted)[1:]
    if len(prefix) < opcode.counted:
        return -1
    size = int.from_bytes(prefix, "little", signed=opcode.signed)
    return opcode.counted + size if size >= 0 else -1


def _lines(excerpt: _Excerpt) -> tuple[str, ...]:
    wide = len(str(excerpt.steps[-1].offset))
    return tuple(
        f"{'>' if number == excerpt.at else ' '} {step.offset:>{wide}}: {step.opcode.name} {_argument(step)}".rstrip()
        for number, step in enumerate(excerpt.steps)
    )


def _argument(step: _Step) -> str:
    opcode, argument = step.opcode, step.argument
    if opcode.lines:
        return _cut(" ".join(argument.decode("utf-8", "replace").split("\n")[: opcode.lines]), step)
    if opcode.name in _BIG_ENDIAN:
        return repr(struct.unpack(">d", argument)[0])
    if opcode.fixed:
        return str(int.from_bytes(argument, "little", signed=opcode.name in _SIGNED))
    if not opcode.counted:
        return ""
    value = argument[opcode.counted :]
    if opcode.name in _LONGS and len(argument) == step.length:
        return _cut(str(int.from_bytes(value, "little", signed=True)), step)
    return _cut(repr(value.decode("utf-8", "replace") if opcode.name in _TEXTS else value), step)


def _cut(text: str, step: _Step) -> str:
    shown = printable(text, _SHOWN_CHARS)
    return f"{shown} ({step.length:,} bytes)" if len(step.argument) < step.length else shown
