"""A hand-written encoder of HDF5 files as the library writes them by default: superblock 0, headers 1."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

SIGNATURE = b"\x89HDF\r\n\x1a\n"
UNDEFINED = (1 << 64) - 1
_SUPERBLOCK_BYTES = 96


def padded(raw: bytes, step: int = 8) -> bytes:
    return raw + bytes(-len(raw) % step)


def string_type(size: int) -> bytes:
    return struct.pack("<B3xI", 0x13, size)


def opaque_type(size: int) -> bytes:
    return struct.pack("<B3xI", 0x15, size) + bytes(8)


def integer_type(size: int = 1) -> bytes:
    return struct.pack("<B3xI", 0x10, size) + struct.pack("<HH", 0, 8 * size)


def variable_type() -> bytes:
    return struct.pack("<BB2xI", 0x19, 1, 16) + string_type(1)


def space(*shape: int) -> bytes:
    return struct.pack("<BBB5x", 1, len(shape), 0) + b"".join(struct.pack("<Q", size) for size in shape)


def attribute(name: str, kind: bytes, data: bytes, *shape: int) -> tuple[int, bytes]:
    """An attribute message of version 1."""
    raw_name = name.encode() + b"\0"
    dataspace = space(*shape)
    head = struct.pack("<BxHHH", 1, len(raw_name), len(kind), len(dataspace))
    return 12, head + padded(raw_name) + padded(kind) + padded(dataspace) + data


def text(name: str, value: bytes) -> tuple[int, bytes]:
    return attribute(name, string_type(len(value)), value)


def contiguous(address: int, size: int) -> tuple[int, bytes]:
    return 8, struct.pack("<BBQQ", 3, 1, address, size)


def pipeline(*numbers: int) -> tuple[int, bytes]:
    """A filter pipeline of version 1; each filter has one value and a name."""
    body = b"".join(struct.pack("<HHHH", number, 8, 0, 1) + b"named\0\0\0" + bytes(8) for number in numbers)
    return 11, struct.pack("<BB6x", 1, len(numbers)) + body


@dataclass
class Builder:
    """Blocks are put one behind the other; each call gives the address of what it wrote."""

    data: bytearray = field(default_factory=lambda: bytearray(_SUPERBLOCK_BYTES))

    def put(self, raw: bytes) -> int:
        address = len(self.data)
        self.data += padded(raw)
        return address

    def header(self, *messages: tuple[int, bytes]) -> int:
        """An object header of version 1."""
        body = b"".join(
            struct.pack("<HHB3x", kind, len(padded(raw)), 0) + padded(raw) for kind, raw in messages
        )
        return self.put(struct.pack("<BxHII4x", 1, len(messages), 1, len(body)) + body)

    def heap(self, *names: str) -> tuple[int, dict[str, int]]:
        """A local heap; also where each name stands in it."""
        raw, places = bytearray(8), {}
        for name in names:
            places[name] = len(raw)
            raw += padded(name.encode() + b"\0")
        data = self.put(bytes(raw))
        return self.put(b"HEAP" + struct.pack("<B3xQQQ", 0, len(raw), UNDEFINED, data)), places

    def group(
        self, links: dict[str, int], *messages: tuple[int, bytes], soft: dict[str, str] | None = None
    ) -> int:
        """A group with its symbol table."""
        soft = soft or {}
        heap, places = self.heap(*links, *soft, *soft.values())
        entries = [struct.pack("<QQII16x", places[name], address, 0, 0) for name, address in links.items()]
        entries += [
            struct.pack("<QQIIIIII", places[name], UNDEFINED, 2, 0, places[target], 0, 0, 0)
            for name, target in soft.items()
        ]
        node = self.put(b"SNOD" + struct.pack("<BxH", 1, len(entries)) + b"".join(entries))
        tree = self.put(b"TREE" + struct.pack("<BBHQQQQQ", 0, 0, 1, UNDEFINED, UNDEFINED, 0, node, 0))
        return self.header((17, struct.pack("<QQ", tree, heap)), *messages)

    def collection(self, *values: bytes) -> int:
        """A global heap collection: its objects are numbered from 1."""
        body = b"".join(
            struct.pack("<HHIQ", number, 1, 0, len(value)) + padded(value)
            for number, value in enumerate(values, 1)
        )
        return self.put(b"GCOL" + struct.pack("<B3xQ", 1, 16 + len(body) + 16) + body + bytes(16))

    def variable(self, name: str, *values: bytes) -> tuple[int, bytes]:
        """An attribute of texts of variable length."""
        heap = self.collection(*values)
        elements = b"".join(
            struct.pack("<IQI", len(value), heap, number) for number, value in enumerate(values, 1)
        )
        return attribute(name, variable_type(), elements, len(values))

    def dataset(self, kind: bytes, raw: bytes, *messages: tuple[int, bytes]) -> int:
        """A dataset of bytes in one piece."""
        address = self.put(raw)
        return self.header((1, space(len(raw))), (3, kind), contiguous(address, len(raw)), *messages)

    def chunked(self, raw: bytes, chunk: int, *filters: int) -> int:
        """A dataset of single bytes in chunks, each deflated where the filters say so."""
        pieces = []
        for start in range(0, len(raw), chunk):
            piece = raw[start : start + chunk].ljust(chunk, b"\0")
            pieces.append(
                (start, zlib.compress(piece) if 1 in filters else piece + bytes(4) * (3 in filters))
            )
        entries = b"".join(
            struct.pack("<IIQQQ", len(piece), 0, start, 0, self.put(piece)) for start, piece in pieces
        )
        head = struct.pack("<BBHQQ", 1, 0, len(pieces), UNDEFINED, UNDEFINED)
        tree = self.put(b"TREE" + head + entries + struct.pack("<IIQQ", 0, 0, len(raw), 0))
        layout = (8, struct.pack("<BBBQII", 3, 2, 2, tree, chunk, 1))
        pipe = (pipeline(*filters),) if filters else ()
        return self.header((1, space(len(raw))), (3, integer_type()), layout, *pipe)

    def encoded(self, root: int, driver: int = UNDEFINED) -> bytes:
        """The whole file."""
        head = SIGNATURE + struct.pack("<8B", 0, 0, 0, 0, 0, 8, 8, 0) + struct.pack("<HHI", 4, 16, 0)
        head += struct.pack("<QQQQ", 0, UNDEFINED, len(self.data), driver)
        head += struct.pack("<QQII16x", 0, root, 0, 0)
        return head + bytes(self.data[len(head) :])
