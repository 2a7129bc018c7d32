"""The opcodes around an offset, one line each, for a person who wants to see what stands there.

Where an opcode ends depends on its own bytes alone, so this needs no stack and no memo; it reads from the
beginning of the stream, because only from there it is certain where opcodes begin.
"""

from __future__ import annotations

import re
import struct
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Final

from secureload.pickles.opcodes import OPCODES, Opcode
from secureload.pickles.source import ByteSource
from secureload.pickles.symbols import WalkStop
from secureload.pickles.trace import Section
from secureload.pickles.window import Window
from secureload.printable import printable

__all__ = ["listing"]

_LONGEST_LINE = 1 << 16
_SHOWN_BYTES = 48
_SHOWN_CHARS = 100
# How far before the offset every opcode is looked at.
_NEAR = 1 << 14
_TEXTS: Final = frozenset({"BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"})


@cache
def _short_opcodes() -> re.Pattern[bytes]:
    """Opcodes of a fixed size, and counted ones with a short argument: to be stepped over many at once."""
    by_size: dict[int, bytes] = {}
    counted: list[bytes] = []
    for opcode in OPCODES.values():
        code = re.escape(bytes([opcode.code]))
        if opcode.counted:
            lengths = [re.escape(n.to_bytes(opcode.counted, "little")) + b".{%d}" % n for n in range(33)]
            counted.append(code + b"(?:" + b"|".join(lengths) + b")")
        elif not opcode.lines:
            by_size[opcode.fixed] = by_size.get(opcode.fixed, b"") + code
    fixed = [b"[" + codes + b"]" + (b".{%d}" % size if size else b"") for size, codes in by_size.items()]
    return re.compile(b"(?:" + b"|".join([*fixed, *counted]) + b")*+", re.DOTALL)


def listing(
    source: ByteSource,
    offset: int,
    *,
    before: int = 8,
    after: int = 4,
    sections: Sequence[Section] = (),
) -> list[str]:
    """Return the opcode at ``offset`` of the stream with those around it, each with its offset and argument.

    ``source`` stands at the beginning of the stream; ``sections`` are those of its trace: the raw bytes of arrays
    are stepped over. The line of the opcode itself begins with ``>``. Where the bytes are no opcodes, that is
    the last line; where ``offset`` is -1, there is none. Texts are made printable and cut.

    Raises:
        SecureloadError: the source cannot be read so far.
    """
    if offset < 0:
        return []
    arrays = [section for section in sections if section.kind == "array" and section.start < section.end]
    lines: deque[str] = deque(maxlen=before + 1 + after)
    left = after + 1
    for start, end, text in _Reader(source, sorted(arrays, key=lambda section: section.start)).read(offset):
        here = start <= offset < end
        lines.append(f"{'>' if here else ' '} {start:>10,}: {text}")
        if start >= offset or here:
            left -= 1
        if not left:
            break
    return list(lines)


class _Reader:
    def __init__(self, source: ByteSource, arrays: list[Section]) -> None:
        self._arrays = list(reversed(arrays))
        self._window = Window(source, [section.start for section in arrays])

    def read(self, wanted: int) -> Iterator[tuple[int, int, str]]:
        """Yield the beginning, the end and the text of each opcode from somewhat before ``wanted`` on."""
        window, position = self._window, 0
        while True:
            if position >= window.safe or position > window.end:
                if window.last and window.at_barrier and position >= window.end:
                    array = self._arrays.pop()
                    yield array.start, array.end, f"{array.end - array.start:,} bytes of an array"
                    window.pass_barrier(array.end)
                    position = 0
                elif window.last and position >= window.end:
                    return
                elif not window.last:
                    position = window.advance(position)
                    continue
                if position >= window.end:
                    continue
            far = min(wanted - window.base - _NEAR, window.end)
            if far > position:
                found = _short_opcodes().match(window.data, position, far)
                if found is not None and found.end() > position:
                    position = found.end()
                    continue
            start = window.offset(position)
            try:
                position, text = _one(window, position)
            except WalkStop as stop:
                yield start, start + 1, str(stop)
                return
            yield start, window.offset(position), text


def _one(window: Window, position: int) -> tuple[int, str]:
    """Return the end and the text of the opcode at ``position``."""
    code = window.data[position]
    opcode = OPCODES.get(code)
    if opcode is None:
        raise WalkStop(f"{code:#04x} is no opcode")
    start = position + 1
    if opcode.lines:
        return _lines(window, opcode, start)
    if not opcode.counted:
        end = start + opcode.fixed
        return end, _shown(opcode.name, _fixed(opcode, window.data[start:end]) if opcode.fixed else "")
    begin = start + opcode.counted
    length = int.from_bytes(window.data[start:begin], "little", signed=opcode.signed)
    if not 0 <= length < 1 << 63:
        raise WalkStop(f"{opcode.name} of {length:,} bytes")
    return begin + length, _shown(
        opcode.name, _counted(opcode, window.data[begin : begin + _SHOWN_BYTES], length)
    )


def _lines(window: Window, opcode: Opcode, start: int) -> tuple[int, str]:
    parts = []
    for _ in range(opcode.lines):
        end = window.find_line(start, _LONGEST_LINE)
        if not end:
            raise WalkStop(f"{opcode.name} without the end of its line")
        parts.append(
            window.data[start : min(end - 1, start + _SHOWN_CHARS)].decode("utf-8", "backslashreplace")
        )
        start = end
    return start, _shown(opcode.name, " ".join(parts))


_FIXED: Final[dict[str, Callable[[bytes], object]]] = {
    "BININT": lambda data: int.from_bytes(data, "little", signed=True),
    "BINFLOAT": lambda data: struct.unpack(">d", data)[0] if len(data) == 8 else "cut off",
}


def _fixed(opcode: Opcode, data: bytes) -> str:
    read = _FIXED.get(opcode.name)
    return str(read(data) if read is not None else int.from_bytes(data, "little"))


def _counted(opcode: Opcode, data: bytes, length: int) -> str:
    data = data[:length]
    if opcode.name in {"LONG1", "LONG4"}:
        return (
            str(int.from_bytes(data, "little", signed=True))
            if length <= 16
            else f"an integer of {length:,} bytes"
        )
    shown = repr(data.decode("utf-8", "backslashreplace") if opcode.name in _TEXTS else data)
    return shown if length <= _SHOWN_BYTES else f"{shown}… ({length:,} bytes)"


def _shown(name: str, argument: str) -> str:
    return f"{name:<16} {printable(argument, 2 * _SHOWN_CHARS)}".rstrip()
