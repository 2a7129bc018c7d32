"""A hand-written encoder of the FlatBuffers that models of TensorFlow Lite are."""

from __future__ import annotations

import struct


def table(fields: list[int]) -> bytes:
    """A table whose fields are 32-bit numbers, with its vtable in front; it begins after the vtable."""
    vtable = struct.pack("<HH", 4 + 2 * len(fields), 4 + 4 * len(fields))
    vtable += b"".join(struct.pack("<H", 4 + 4 * number) for number in range(len(fields)))
    vtable += bytes(-len(vtable) % 4)
    return vtable + struct.pack("<i", len(vtable)) + b"".join(struct.pack("<I", field) for field in fields)


def model(*custom: str) -> bytes:
    """A model with one operator code for each name; "" is one without a name."""
    codes, names = len(custom), [name.encode() + b"\0" for name in custom]
    root_vtable, code_vtable = 8, 8
    root = 8 + root_vtable
    vector = root + 12
    first = vector + 4 + 4 * codes
    size = code_vtable + 12
    texts, positions = b"", []
    for name in names:
        positions.append(first + size * codes + len(texts))
        texts += struct.pack("<I", len(name) - 1) + name + bytes(-len(name) % 4)
    data = struct.pack("<I4s", root, b"TFL3")
    data += table([3, vector - (root + 8)])
    data += struct.pack("<I", codes)
    data += b"".join(
        struct.pack("<I", first + size * number + code_vtable - (vector + 4 + 4 * number))
        for number in range(codes)
    )
    for number, name in enumerate(custom):
        at = first + size * number + code_vtable + 8
        data += table([32, positions[number] - at if name else 0])
    return data + texts
