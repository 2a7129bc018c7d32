"""The walker's operations that push plain data or a text: literals, with the argument that follows the opcode.

Texts are kept as long as they could be a name; numbers and bytes are only stepped over.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Final, TypeAlias

from secureload.pickles import symbols
from secureload.pickles.machine import Machine
from secureload.pickles.numbers import odd_number
from secureload.pickles.opcodes import OPCODES
from secureload.pickles.symbols import Value, WalkLimit, WalkStop

__all__ = ["LITERALS", "Operation", "read_line"]

# Given the machine, the bytes of its window and the position of the opcode: the position behind the argument.
Operation: TypeAlias = Callable[[Machine, bytes, int], int]

# Texts up to here are kept, up to the look-ahead of a window they can be read again, longer ones are no names.
_KEPT_TEXT = 255
_LONGEST_NAME = 4_096
_LONGEST_LINE = 1 << 20


def _pushing(code: int) -> Operation:
    """Return the operation of an opcode whose argument is counted and is no text."""
    opcode = OPCODES[code]
    value = {"LONG1": symbols.SCALAR, "LONG4": symbols.SCALAR, "BYTEARRAY8": symbols.BYTEARRAY}.get(
        opcode.name, symbols.BYTES
    )

    def push(machine: Machine, data: bytes, position: int) -> int:
        start, length = _counted(data, position, opcode.counted, signed=opcode.signed)
        machine.context.stack.append(value)
        return start + length

    return push


def _counted(data: bytes, position: int, width: int, *, signed: bool) -> tuple[int, int]:
    start = position + 1 + width
    length = int.from_bytes(data[position + 1 : start], "little", signed=signed)
    if not 0 <= length < 1 << 63:
        raise WalkStop("a length that is negative or larger than any memory")
    return start, length


def _text(code: int) -> Operation:
    """Return the operation of an opcode that pushes a text in UTF-8."""
    width = OPCODES[code].counted

    def push(machine: Machine, data: bytes, position: int) -> int:
        start, length = _counted(data, position, width, signed=False)
        end = start + length
        window = machine.window
        value: Value = symbols.TEXT
        if length <= _KEPT_TEXT:
            value = data[start:end]
        elif length <= _LONGEST_NAME and end <= window.end:
            value = machine.kept.text(window, start, end)
        machine.context.stack.append(value)
        return end

    return push


def _old_text(code: int) -> Operation:
    """Return the operation of a counted string of Python 2, which is read as ASCII."""
    opcode = OPCODES[code]

    def push(machine: Machine, data: bytes, position: int) -> int:
        start, length = _counted(data, position, opcode.counted, signed=opcode.signed)
        text = data[start : start + length] if length <= _LONGEST_NAME else b"\xff"
        machine.context.stack.append(text.decode("ascii") if text.isascii() else symbols.TEXT)
        return start + length

    return push


def read_line(machine: Machine, start: int) -> tuple[bytes, int]:
    """Return the line that begins at ``start``, without its newline, and the position behind it.

    Where the stream ends in it, the last byte is lost: that is how ``pickle._Unpickler`` reads it.
    """
    window = machine.window
    end = window.find_line(start, _LONGEST_LINE)
    if end:
        return window.data[start : end - 1], end
    if not window.last:
        raise WalkLimit(f"a line of more than {_LONGEST_LINE:,} bytes")
    if start >= window.end:
        return b"", window.end + 1
    machine.odd("text.cut", "the stream ends in the middle of a line", start)
    return window.data[start : window.end - 1], window.end


def _number(code: int) -> Operation:
    kind = OPCODES[code].name

    def push(machine: Machine, data: bytes, position: int) -> int:
        line, end = read_line(machine, position + 1)
        if odd_number(kind, line):
            machine.odd("number.odd", f"a number of {kind} that no pickler writes", position)
        machine.context.stack.append(symbols.SCALAR)
        return end

    return push


def _string(machine: Machine, data: bytes, position: int) -> int:
    line, end = read_line(machine, position + 1)
    if len(line) < 2 or line[0] != line[-1] or line[0] not in b"\"'":
        raise WalkStop("a STRING without its quotes")
    value: Value = symbols.TEXT
    if len(line) <= _LONGEST_NAME and line.isascii():
        try:
            text, _ = codecs.escape_decode(line[1:-1])
        except ValueError as error:
            raise WalkStop("a STRING with an escape that is none") from error
        value = text.decode("ascii") if text.isascii() else value
    machine.context.stack.append(value)
    return end


def _unicode(machine: Machine, data: bytes, position: int) -> int:
    line, end = read_line(machine, position + 1)
    value: Value = symbols.TEXT
    if len(line) <= _LONGEST_NAME:
        try:
            # Not by its name: where the tracer is confined no codec can be looked up any more.
            value, _ = codecs.raw_unicode_escape_decode(line)
        except UnicodeDecodeError as error:
            raise WalkStop("a UNICODE with an escape that is none") from error
    machine.context.stack.append(value)
    return end


def _next_buffer(machine: Machine, data: bytes, position: int) -> int:
    machine.odd("buffer.outside", "it needs buffers that are not in the file", position)
    machine.context.stack.append(symbols.BUFFER)
    return position + 1


def _readonly_buffer(machine: Machine, data: bytes, position: int) -> int:
    value = machine.need(1)[-1]
    if isinstance(value, int) and value not in {symbols.BYTES, symbols.BYTEARRAY, symbols.BUFFER}:
        raise WalkStop("READONLY_BUFFER of something that is no buffer")
    return position + 1


LITERALS: Final[dict[int, Operation]] = {
    0x97: _next_buffer, 0x98: _readonly_buffer, ord("S"): _string, ord("V"): _unicode,
    **{code: _text(code) for code in (ord("X"), 0x8C, 0x8D)},
    **{code: _old_text(code) for code in b"TU"},
    **{code: _pushing(code) for code in (*b"BC", 0x8A, 0x8B, 0x8E, 0x96)},
    **{code: _number(code) for code in b"IFL"},
}  # fmt: skip
