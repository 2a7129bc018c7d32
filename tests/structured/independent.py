"""A reader of the format, made from ``docs/format-safetensors.md`` alone, with nothing but Python's own library.

It imports nothing of secureload, numpy or scikit-learn: what another language needs is in the page. Objects become
:class:`Object`, arrays :class:`Array`; nothing is looked up, for a reader's list of names is its own.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

_CODES = {
    "BOOL": "?", "U8": "B", "I8": "b", "U16": "H", "I16": "h", "F16": "e", "U32": "I", "I32": "i", "F32": "f",
    "U64": "Q", "I64": "q", "F64": "d",
}  # fmt: skip
_BLOCK = 4_096


@dataclass
class Array:
    """Its type as the file says it, its shape, and its elements in C order (of text: strings, of records: bytes)."""

    type: str
    shape: tuple[int, ...]
    elements: list[Any]
    transposed: bool = False


@dataclass
class Object:
    """An instance (``i``), an object in parts (``x``), a container (``m``) or a named tuple (``nt``)."""

    form: str
    name: str
    parts: list[Any] = field(default_factory=list)
    attributes: tuple[str, ...] = ()


class Reader:
    """One file."""

    def __init__(self, data: bytes) -> None:
        length = int.from_bytes(data[:8], "little")
        self.head, body = data[: 8 + length], data[8 + length :]
        header = json.loads(data[8 : 8 + length])
        assert len(self.head) % 64 == 0
        assert next(iter(header)) == "__metadata__"
        self.metadata: dict[str, str] = header.pop("__metadata__")
        assert (self.metadata["format"], self.metadata["version"]) == ("secureload.structured", "1")
        assert list(header)[-1] == "__structure__"
        end = 0
        self.tensors: list[tuple[str, tuple[int, ...], bytes]] = []
        for name, entry in header.items():
            begin, stop = entry["data_offsets"]
            assert begin == end
            end = stop
            if name != "__structure__":
                assert int(name.partition(".")[0]) == len(self.tensors)
            self.tensors.append((entry["dtype"], tuple(entry["shape"]), body[begin:stop]))
        assert end == len(body)
        self.side = self.tensors.pop()[2]
        self.names, self.shapes, self.root = json.loads(self.side)
        self.numbered: list[Any] = []
        self.used: set[int] = set()

    def checksum(self) -> str:
        """The digits that ``crc32`` has to have."""
        text = f'"crc32":"{self.metadata["crc32"]}"'.encode()
        total = zlib.crc32(self.head.replace(text, b'"crc32":"00000000"', 1))
        total = zlib.crc32(self.side, total)
        data = b"".join(tensor[2] for tensor in self.tensors)
        whole = len(data) // 8 * 8
        blocks = whole // _BLOCK * _BLOCK
        for start in range(0, blocks, _BLOCK):
            total = zlib.crc32(_sum(data[start : start + _BLOCK]), total)
        total = zlib.crc32(_sum(data[blocks:whole]), total)
        return f"{zlib.crc32(data[whole:], total):08x}"

    def value(self) -> Any:
        """The root, decoded; every tensor is used exactly once."""
        found = self.decode(self.root)
        assert self.used == set(range(len(self.tensors)))
        return found

    def decode(self, node: Any) -> Any:
        """The value of one node."""
        if isinstance(node, dict):
            return {key: self.decode(item) for key, item in node.items()}
        if not isinstance(node, list):
            return node
        tag, *rest = node
        found: Any = getattr(self, f"_{tag}")(*rest)
        return found

    def all(self, nodes: Any) -> list[Any]:
        """The values of several nodes."""
        return [self.decode(node) for node in nodes]

    def _d(self, *rest: Any) -> Any:
        parts = self.all(rest)
        return dict(zip(parts[::2], parts[1::2], strict=True))

    def _k(self, array: Any, *keys: str) -> Any:
        return dict(zip(keys, self.decode(array).elements, strict=True))

    def _ln(self, array: Any) -> Any:
        return self.decode(array).elements

    def _l(self, *rest: Any) -> Any:
        return self.all(rest)

    def _t(self, *rest: Any) -> Any:
        return tuple(self.all(rest))

    def _s(self, *rest: Any) -> Any:
        return set(self.all(rest))

    def _fs(self, *rest: Any) -> Any:
        return frozenset(self.all(rest))

    def _f(self, text: str) -> Any:
        return float(text)

    def _c(self, real: Any, imaginary: Any) -> Any:
        return complex(self.decode(real), self.decode(imaginary))

    def _b(self, text: str) -> Any:
        return base64.b64decode(text, validate=True)

    def _ba(self, text: str) -> Any:
        return bytearray(self._b(text))

    def _sl(self, *rest: Any) -> Any:
        return slice(*self.all(rest))

    def _ra(self, *rest: Any) -> Any:
        return range(*rest)

    def _a(self, number: int, said: Any = "", order: str = "") -> Any:
        assert number not in self.used
        self.used.add(number)
        kind, shape, data = self.tensors[number]
        said = self.names[said] if isinstance(said, int) else said
        flat = [one for (one,) in struct.iter_unpack(f"<{_CODES[kind]}", data)]
        if said.startswith("{") or said[1:2] in ("S", "U", "c"):
            *outer, inner = shape
            rows = [flat[at : at + inner] for at in range(0, len(flat), inner)] if inner else []
            shape = tuple(outer)
            flat = (
                [complex(*row) for row in rows]
                if said[1:2] == "c"
                else ["".join(map(chr, row)).rstrip("\0") for row in rows]
                if said[1:2] == "U"
                else [bytes(row) for row in rows]
            )
        return Array(said or kind, shape, flat, order == "F")

    def _v(self, kind: str, shape: list[int], values: list[Any]) -> Any:
        return Array(kind, tuple(shape), self.all(values))

    def _o(self, shape: list[int], *rest: Any) -> Any:
        return Array("O", tuple(shape), self.all(rest))

    def _ma(self, *rest: Any) -> Any:
        return Object("ma", "", self.all(rest))

    def _n(self, kind: str, value: Any) -> Any:
        return Array(kind, (), [self.decode(value)])

    def _n0(self, *rest: Any) -> Any:
        return self._a(*rest)

    def _dt(self, kind: str) -> Any:
        return Object("dt", kind)

    def _g(self, number: int) -> Any:
        return Object("g", self.names[number])

    def _i(self, number: int, *rest: Any) -> Any:
        name, *attributes = self.shapes[number]
        assert len(attributes) == len(rest)
        return Object("i", self.names[name], self.all(rest), tuple(attributes))

    def _x(self, number: int, *rest: Any) -> Any:
        return Object("x", self.names[number], self.all(rest))

    def _m(self, number: int, *rest: Any) -> Any:
        return Object("m", self.names[number], self.all(rest))

    def _nt(self, number: int, *rest: Any) -> Any:
        return Object("nt", self.names[number], self.all(rest))

    def _r(self, number: int) -> Any:
        return self.numbered[number]


def _sum(words: bytes) -> bytes:
    total = sum(one for (one,) in struct.iter_unpack("<Q", words))
    return (total & ((1 << 64) - 1)).to_bytes(8, "little")


# "#" is no name of a method.
def _numbered(reader: Reader, inner: Any) -> Any:
    """What is met again gets the next number before what it holds does."""
    number = len(reader.numbered)
    reader.numbered.append(None)
    reader.numbered[number] = reader.decode(inner)
    return reader.numbered[number]


setattr(Reader, "_#", _numbered)
