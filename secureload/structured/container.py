"""The file: a safetensors header, a side tensor of JSON, and one tensor for each array.

The rules of https://huggingface.co/docs/safetensors hold, and some of our own: tensors lie in the order of the
header without a hole, the JSON comes last, the data begins at a multiple of 64 bytes, and a checksum of all
of it stands in the metadata. The specification is ``docs/format-safetensors.md``.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from secureload.errors import LimitError, MalformedError
from secureload.json_values import kind_of
from secureload.limits import Limits
from secureload.printable import printable
from secureload.values import dataclass

__all__ = [
    "FORMAT",
    "SIDE",
    "VERSION",
    "Container",
    "build",
    "forged",
    "is_structured",
    "padding",
    "parse",
    "read_metadata",
]

Buffer: TypeAlias = bytes | bytearray | memoryview

FORMAT = "secureload.structured"
VERSION = "1"
SIDE = "__structure__"
_ALIGNMENT = 64
_LENGTH_BYTES = 8
_HEADER_MOST_BYTES = 100_000_000
_METADATA = "__metadata__"
_BLOCK_WORDS = 512
_FIELDS = ("dtype", "shape", "data_offsets")
_ZERO_SUM = b'"crc32":"00000000"'
# Bytes of one element, of the types that are written here.
_SIZES = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "I16": 2,
    "U16": 2,
    "F16": 2,
    "I32": 4,
    "U32": 4,
    "F32": 4,
    "F64": 8,
    "I64": 8,
    "U64": 8,
}


@dataclass(frozen=True, slots=True)
class Container:
    """What a file holds: its metadata, its JSON as bytes, and (type, shape, bytes) of each tensor, in order."""

    metadata: Mapping[str, str]
    side: memoryview
    tensors: Sequence[tuple[str, tuple[int, ...], memoryview]]


def forged(message: str, **fields: str) -> MalformedError:
    """Return the error about a file that breaks a rule of the format, or whose state cannot be a model's."""
    return MalformedError(f"the structured model {message}", format="structured safetensors", **fields)


def build(
    side: bytes, tensors: Sequence[tuple[str, str, tuple[int, ...], Buffer]], metadata: Mapping[str, str]
) -> list[Buffer]:
    """Return the file in pieces; the same arguments give the same bytes.

    ``tensors`` are (name, safetensors type, shape, C-contiguous bytes), in the order in which JSON counts them.
    """
    header: dict[str, Any] = {_METADATA: {"crc32": "00000000", **dict(sorted(metadata.items()))}}
    position = 0
    pieces: list[Buffer] = []
    for name, kind, shape, data in (*tensors, (SIDE, "U8", (len(side),), side)):
        size = memoryview(data).nbytes
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [position, position + size]}
        position += size
        pieces.append(data)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * padding(len(text))
    if len(text) > _HEADER_MOST_BYTES:
        raise LimitError(
            "the header would be longer than safetensors allows",
            limit="header",
            allowed=_HEADER_MOST_BYTES,
            seen=len(text),
        )
    begin = len(text).to_bytes(_LENGTH_BYTES, "little")
    whole = memoryview(b"".join(pieces[:-1])) if len(pieces) != 2 else memoryview(pieces[0]).cast("B")
    total = _sum_of(begin + text, whole, side)
    text = text.replace(_ZERO_SUM, b'"crc32":"%08x"' % total, 1)
    return [begin, text, *pieces]


def padding(length: int) -> int:
    """Return how many spaces follow a header of ``length`` bytes.

    The data begins at a multiple of 64 bytes, and the first two bytes of the file, those of the length, are not the
    mark of a zlib stream (RFC 1950).
    """
    spaces = -(length + _LENGTH_BYTES) % _ALIGNMENT
    low = (length + spaces) & 0xFFFF
    return spaces if low & 0xFF != 0x78 or (0x7800 | low >> 8) % 31 else spaces + _ALIGNMENT


def is_structured(head: Buffer) -> bool:
    """Whether the first bytes of a file (some hundred will do) are those of a structured model."""
    start = bytes(head[: 2 * _ALIGNMENT + 256])
    return start[_LENGTH_BYTES : _LENGTH_BYTES + 16] == b'{"__metadata__":' and FORMAT.encode() in start


def read_metadata(data: Buffer) -> Mapping[str, str]:
    """Return the metadata alone; raises as :func:`parse` does."""
    return _metadata(_header(memoryview(data))[0])


def parse(data: Buffer, limits: Limits, *, checksum: bool = True) -> Container:
    """Parse a file; the tensors are views of ``data``.

    Raises:
        MalformedError: it breaks a rule of the format, or its bytes are not those that were written.
        LimitError: it has more tensors, or longer JSON, than ``limits`` allow.
    """
    whole = memoryview(data).cast("B")
    header, start = _header(whole)
    metadata = _metadata(header)
    if metadata.get("format") != FORMAT:
        raise forged("is none: its metadata names no format of ours")
    if metadata.get("version") != VERSION:
        raise forged(
            f"has the version {printable(metadata.get('version'), 20)}; this secureload reads version {VERSION}"
        )
    if len(header) - 1 > limits.structured_tensors_items:
        raise LimitError(
            "the structured model has too many tensors",
            limit="structured_tensors_items",
            allowed=limits.structured_tensors_items,
            seen=len(header) - 1,
        )
    tensors = _tensors(header, whole[start:])
    if not tensors or tensors[-1][0] != SIDE or tensors[-1][1] != "U8":
        raise forged("does not end with its structure")
    side = tensors.pop()[3]
    if checksum:
        _check_sum(whole, start, len(side), metadata)
    if len(side) > limits.json_text_bytes:
        raise LimitError(
            "the structure is too long",
            limit="json_text_bytes",
            allowed=limits.json_text_bytes,
            seen=len(side),
        )
    return Container(metadata, side, [tensor[1:] for tensor in tensors])


def _header(data: memoryview) -> tuple[dict[str, Any], int]:
    if len(data) < _LENGTH_BYTES:
        raise forged("is cut off")
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if length > _HEADER_MOST_BYTES or length > len(data) - _LENGTH_BYTES:
        raise forged("has a header that does not end in the file")
    raw = bytes(data[_LENGTH_BYTES : _LENGTH_BYTES + length])
    if not raw.startswith(b"{"):
        raise forged("has a header that does not begin with {")
    try:
        header = json.loads(raw.decode("utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise forged(f"has a header that is no JSON ({type(error).__name__})") from None
    if not isinstance(header, dict):
        raise forged(f"has a header that is {kind_of(header)}")
    return header, _LENGTH_BYTES + length


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the JSON object of ``pairs``; raise where a key comes twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise forged("has a JSON object with the same key twice")
    return found


def _metadata(header: dict[str, Any]) -> dict[str, str]:
    metadata = header.get(_METADATA)
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise forged("has no metadata of strings")
    return metadata


def _check_sum(whole: memoryview, start: int, side: int, metadata: Mapping[str, str]) -> None:
    said = metadata.get("crc32", "")
    head = bytes(whole[:start])
    mark = b'"crc32":"%s"' % said.encode("utf-8", "replace")
    if len(said) != 8 or head.count(mark) != 1:
        raise forged("has no checksum")
    found = _sum_of(
        head.replace(mark, _ZERO_SUM, 1), whole[start : len(whole) - side], whole[len(whole) - side :]
    )
    if f"{found:08x}" != said:
        raise forged("was changed or damaged: its checksum is another")


def _sum_of(head: Buffer, data: memoryview, side: Buffer) -> int:
    """Return the CRC-32 of header, JSON and, of the tensors, the sum of the 64-bit words of each block.

    It finds damage at the speed of memory; against a forger there are signatures, and the checks of the state.
    """
    import numpy as np

    words = len(data) // 8
    blocks = words // _BLOCK_WORDS
    flat = np.frombuffer(data, "<u8", words) if words else np.zeros(0, "<u8")
    sums = flat[: blocks * _BLOCK_WORDS].reshape(blocks, _BLOCK_WORDS).sum(axis=1, dtype="<u8")
    rest = flat[blocks * _BLOCK_WORDS :].sum(dtype="<u8") + np.uint64(0)
    total = zlib.crc32(side, zlib.crc32(head))
    total = zlib.crc32(sums.tobytes(), total)
    return zlib.crc32(int(rest).to_bytes(8, "little") + bytes(data[words * 8 :]), total)


def _tensors(header: dict[str, Any], data: memoryview) -> list[tuple[str, str, tuple[int, ...], memoryview]]:
    found = []
    position = 0
    for name, entry in header.items():
        if name == _METADATA:
            continue
        kind, shape, end = _entry(name, entry, position)
        if end > len(data):
            raise forged(f"is cut off in tensor {printable(name, 60)!r}")
        found.append((name, kind, shape, data[position:end]))
        position = end
    if position != len(data):
        raise forged(f"has {len(data) - position:,} bytes that belong to no tensor")
    return found


def _entry(name: str, entry: object, position: int) -> tuple[str, tuple[int, ...], int]:
    if not isinstance(entry, dict) or tuple(entry) != _FIELDS:
        raise _wrong(name, "whose entry has other fields than dtype, shape and data_offsets")
    kind, shape, offsets = entry.values()
    size = _SIZES.get(kind) if isinstance(kind, str) else None
    if size is None:
        raise _wrong(name, f"of the unknown type {printable(kind, 20)!r}")
    if not isinstance(shape, list) or len(shape) > 32:
        raise _wrong(name, "with a shape that is none")
    for length in shape:
        if type(length) is not int or not 0 <= length < 1 << 63:
            raise _wrong(name, "with a shape that is none")
        size *= length
        if size >= 1 << 63:
            raise _wrong(name, "that is larger than 64 bits can count")
    if offsets != [position, position + size] or set(map(type, offsets)) != {int}:
        raise _wrong(name, "that does not lie where its size and the one before put it")
    return kind, tuple(shape), position + size


def _wrong(name: str, message: str) -> MalformedError:
    return forged(f"has a tensor {printable(name, 60)!r} {message}")
