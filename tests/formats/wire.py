"""A hand-written encoder of protocol buffers."""

from __future__ import annotations

import struct

Value = int | float | bytes | str


def varint(number: int) -> bytes:
    """A number, negative ones in two's complement of 64 bits."""
    number &= (1 << 64) - 1
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def key(number: int, wire: int) -> bytes:
    return varint(number << 3 | wire)


def one(number: int, value: Value) -> bytes:
    if isinstance(value, int):
        return key(number, 0) + varint(value)
    if isinstance(value, float):
        return key(number, 5) + struct.pack("<f", value)
    raw = value.encode() if isinstance(value, str) else value
    return key(number, 2) + varint(len(raw)) + raw


def message(*fields: tuple[int, Value]) -> bytes:
    """``message((1, 7), (2, "text"), (3, message(…)))``."""
    return b"".join(one(number, value) for number, value in fields)
