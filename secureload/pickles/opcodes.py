"""The opcodes of pickle, protocols 0 to 5: their names, and how the bytes of each argument are delimited.

Where an opcode ends depends on nothing but its own bytes. Source: ``Lib/pickletools.py``.
"""

from __future__ import annotations

from typing import Final

from secureload.values import dataclass

__all__ = ["HIGHEST_PROTOCOL", "OPCODES", "Opcode", "argument_end"]

HIGHEST_PROTOCOL: Final = 5


@dataclass(frozen=True, slots=True)
class Opcode:
    """One opcode. At most one of the three is not 0.

    ``fixed`` is the size of the argument in bytes; ``counted`` the size of a little-endian length that stands
    before the argument, ``signed`` if it may be negative (an error); ``lines`` the number of text lines.
    """

    name: str
    code: int
    fixed: int = 0
    counted: int = 0
    lines: int = 0
    signed: bool = False


_WITHOUT_ARGUMENT = {
    "MARK": b"(", "STOP": b".", "POP": b"0", "POP_MARK": b"1", "DUP": b"2", "NONE": b"N", "REDUCE": b"R",
    "BINPERSID": b"Q", "APPEND": b"a", "BUILD": b"b", "DICT": b"d", "EMPTY_DICT": b"}", "APPENDS": b"e",
    "LIST": b"l", "EMPTY_LIST": b"]", "OBJ": b"o", "SETITEM": b"s", "TUPLE": b"t", "EMPTY_TUPLE": b")",
    "SETITEMS": b"u", "NEWOBJ": b"\x81", "TUPLE1": b"\x85", "TUPLE2": b"\x86", "TUPLE3": b"\x87",
    "NEWTRUE": b"\x88", "NEWFALSE": b"\x89", "EMPTY_SET": b"\x8f", "ADDITEMS": b"\x90", "FROZENSET": b"\x91",
    "NEWOBJ_EX": b"\x92", "STACK_GLOBAL": b"\x93", "MEMOIZE": b"\x94", "NEXT_BUFFER": b"\x97",
    "READONLY_BUFFER": b"\x98",
}  # fmt: skip
_FIXED = {
    "PROTO": (b"\x80", 1), "FRAME": (b"\x95", 8), "BININT": (b"J", 4), "BININT1": (b"K", 1),
    "BININT2": (b"M", 2), "BINFLOAT": (b"G", 8), "BINGET": (b"h", 1), "LONG_BINGET": (b"j", 4),
    "BINPUT": (b"q", 1), "LONG_BINPUT": (b"r", 4), "EXT1": (b"\x82", 1), "EXT2": (b"\x83", 2),
    "EXT4": (b"\x84", 4),
}  # fmt: skip
_COUNTED = {
    "BINSTRING": (b"T", 4), "SHORT_BINSTRING": (b"U", 1), "BINUNICODE": (b"X", 4),
    "SHORT_BINUNICODE": (b"\x8c", 1), "BINUNICODE8": (b"\x8d", 8), "BINBYTES": (b"B", 4),
    "SHORT_BINBYTES": (b"C", 1), "BINBYTES8": (b"\x8e", 8), "BYTEARRAY8": (b"\x96", 8),
    "LONG1": (b"\x8a", 1), "LONG4": (b"\x8b", 4),
}  # fmt: skip
_LINES = {
    "FLOAT": (b"F", 1), "INT": (b"I", 1), "LONG": (b"L", 1), "PERSID": (b"P", 1), "STRING": (b"S", 1),
    "UNICODE": (b"V", 1), "GLOBAL": (b"c", 2), "GET": (b"g", 1), "INST": (b"i", 2), "PUT": (b"p", 1),
}  # fmt: skip
_SIGNED = frozenset({"BINSTRING", "LONG4"})

OPCODES: Final[dict[int, Opcode]] = {
    opcode.code: opcode
    for opcode in (
        *(Opcode(name, code[0]) for name, code in _WITHOUT_ARGUMENT.items()),
        *(Opcode(name, code[0], fixed=size) for name, (code, size) in _FIXED.items()),
        *(
            Opcode(name, code[0], counted=width, signed=name in _SIGNED)
            for name, (code, width) in _COUNTED.items()
        ),
        *(Opcode(name, code[0], lines=lines) for name, (code, lines) in _LINES.items()),
    )
}


def argument_end(opcode: Opcode, data: bytes, start: int) -> int:
    """Return where the argument that begins at ``start`` ends; -1 where ``data`` does not show it.

    The end may lie beyond that of ``data``: a payload need not be there to be stepped over.
    """
    if opcode.counted:
        begin = start + opcode.counted
        if begin > len(data):
            return -1
        length = int.from_bytes(data[start:begin], "little", signed=opcode.signed)
        return begin + length if length >= 0 else -1
    end = start + opcode.fixed
    for _ in range(opcode.lines):
        end = data.find(b"\n", end) + 1
        if not end:
            return -1
    return end
