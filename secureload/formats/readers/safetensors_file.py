"""safetensors: a JSON header that says where each tensor lies, then the tensors, without a hole between them.

Format (https://huggingface.co/docs/safetensors): 8 bytes, the header's length as a little-endian integer; the
header, which begins with "{" and may end in spaces; the data. The library itself refuses whatever breaks one
of the rules below; other programs that read such files do not, and then two of them see two different models.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import TypeGuard

from secureload.errors import MalformedError
from secureload.formats.json_text import parse_json_text
from secureload.formats.reading import Child, Event, Observation, Problem, ReadContext
from secureload.formats.region import Region
from secureload.formats.repeated import first_of_each_code
from secureload.formats.structured_names import STRUCTURE, structured_events
from secureload.formats.zeros import first_nonzero
from secureload.json_values import kind_of
from secureload.values import dataclass

__all__ = ["read"]

_LENGTH_BYTES = 8
# The library's own bound, MAX_HEADER_SIZE.
_HEADER_MOST_BYTES = 100_000_000
_METADATA = "__metadata__"
_ENTRY_KEYS = ("dtype", "shape", "data_offsets")
_LARGEST = (1 << 64) - 1
# Bits of one element: Dtype::bitsize of safetensors 0.8.
_BITS = {
    "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32,
    "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Tensor:
    """What the header says of one tensor; ``begin`` and ``end`` are positions in the data."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read(data: Region, context: ReadContext) -> Iterator[Event]:
    """Yield each rule that is broken, and the bytes that belong to no tensor as members."""
    return first_of_each_code(_read(data, context))


def _read(data: Region, context: ReadContext) -> Iterator[Event]:
    if data.size < _LENGTH_BYTES:
        yield Problem(kind="malformed", message=f"{data.size} bytes are no safetensors file", offset=0)
        return
    length = int.from_bytes(data.head(_LENGTH_BYTES), "little")
    if length > _HEADER_MOST_BYTES:
        yield _observed(
            "header-too-long", f"the header of {length:,} bytes is over {_HEADER_MOST_BYTES:,}", 0
        )
    if length > data.size - _LENGTH_BYTES:
        yield _observed("header-beyond-file", f"the header of {length:,} bytes ends beyond the file", 0)
        yield Problem(kind="malformed", message="the header does not end in the file", offset=0)
        return
    raw = data.read_at(_LENGTH_BYTES, length)
    tensors = yield from _header(raw, context)
    start = _LENGTH_BYTES + length
    if tensors and tensors[-1].name == STRUCTURE:
        yield from structured_events(raw, data.part(start, data.size), tensors[-1].begin, tensors[-1].end)
    yield from _layout(tensors, data.part(start, data.size), start)


def _observed(code: str, message: str, offset: int = _LENGTH_BYTES, detail: str = "") -> Observation:
    return Observation(code=f"safetensors.{code}", message=message, detail=detail, offset=offset)


def _header(raw: bytes, context: ReadContext) -> Generator[Event, None, list[_Tensor]]:
    """Yield what is wrong with the header; return the tensors that it describes."""
    if not raw.startswith(b"{"):
        yield _observed("header-start", "the header does not begin with {", detail=repr(raw[:40]))
    if raw.rstrip(b" ")[-1:] in (b"\t", b"\n", b"\r"):
        yield _observed("header-padding", "the header is padded with something else than spaces")
    text = parse_json_text(raw, where="the header", limits=context.limits)
    for key in text.repeated:
        yield _observed("repeated-key", f"the header has the key {key!r} twice")
    if not isinstance(text.value, dict):
        raise MalformedError(f"the header is {kind_of(text.value)}, not an object", format="safetensors")
    header: dict[str, object] = text.value
    yield from _metadata(header.pop(_METADATA, {}))
    tensors: list[_Tensor] = []
    for name, entry in header.items():
        found = _tensor(name, entry)
        if isinstance(found, str):
            yield _observed("entry", f"the entry of tensor {name!r} {found}")
            continue
        if isinstance(entry, dict) and len(entry) > len(_ENTRY_KEYS):
            yield _observed("extra-keys", f"the entry of tensor {name!r} says more than {_ENTRY_KEYS}")
        yield from _size(found)
        tensors.append(found)
    if not header:
        yield _observed("no-tensors", "the file holds no tensor")
    return tensors


def _metadata(value: object) -> Iterator[Event]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield _observed("metadata", f"{_METADATA} is {kind_of(value)}, not an object of strings")
        return
    for key, item in value.items():
        if not isinstance(item, str):
            yield _observed("metadata", f"{_METADATA} has {kind_of(item)} under {key!r}, not a string")


def _tensor(name: str, entry: object) -> _Tensor | str:
    """Return what ``entry`` says of a tensor, or what is wrong with its form."""
    if not isinstance(entry, dict):
        return f"is {kind_of(entry)}, not an object"
    dtype, shape, offsets = (entry.get(key) for key in _ENTRY_KEYS)
    if not isinstance(dtype, str):
        return "has a dtype that is no string"
    if not _are_sizes(shape):
        return "has a shape that is no list of sizes"
    if not _are_sizes(offsets) or len(offsets) != 2:
        return "has data_offsets that are no two sizes"
    return _Tensor(name, dtype, tuple(shape), offsets[0], offsets[1])


def _are_sizes(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(item) is int and 0 <= item <= _LARGEST for item in value)


def _size(tensor: _Tensor) -> Iterator[Event]:
    """Yield what does not fit between the type, the shape and the bytes of a tensor."""
    bits = _BITS.get(tensor.dtype)
    name = f"tensor {tensor.name!r}"
    if tensor.end < tensor.begin:
        yield _observed("offsets", f"{name} ends at {tensor.end:,}, before it begins at {tensor.begin:,}")
    if bits is None:
        yield _observed("dtype", f"{name} has the unknown type {tensor.dtype!r}")
        return
    wanted = _product(tensor.shape, bits)
    if wanted is None:
        yield _observed("shape", f"{name} has a shape with more elements than 64 bits can count")
    elif wanted % 8:
        yield _observed("misaligned", f"{name} does not end at a whole byte: it has {wanted:,} bits")
    elif tensor.begin <= tensor.end != tensor.begin + wanted // 8:
        has = tensor.end - tensor.begin
        yield _observed("size", f"{name} has {has:,} bytes, but type and shape ask for {wanted // 8:,}")


def _product(shape: Sequence[int], bits: int) -> int | None:
    """Return the bits of all elements; None where the library's own arithmetic overflows."""
    if 0 in shape:
        # The library multiplies from the left, and may overflow before it meets the zero.
        shape = shape[: shape.index(0) + 1]
    total = 1
    for size in shape:
        total *= size
        if total > _LARGEST:
            return None
    return None if total * bits > _LARGEST else total * bits


def _layout(tensors: list[_Tensor], data: Region, start: int) -> Iterator[Event]:
    """Yield holes, overlaps and what follows the last tensor; ``data`` stands at ``start`` in the file."""
    covered = 0
    for tensor in sorted(tensors, key=lambda tensor: (tensor.begin, tensor.end)):
        if tensor.end < tensor.begin:
            continue
        if tensor.end > data.size:
            yield _observed(
                "beyond-file",
                f"tensor {tensor.name!r} ends at {tensor.end:,}, but there are {data.size:,} bytes of data",
                start + min(tensor.begin, data.size),
            )
        if tensor.begin < covered:
            yield _observed(
                "overlap", f"tensor {tensor.name!r} begins inside the one before it", start + tensor.begin
            )
        if tensor.begin > covered and covered < data.size:
            yield from _stray(data, covered, tensor.begin, start, "gap")
        covered = max(covered, tensor.end)
    if covered < data.size:
        yield from _stray(data, covered, data.size, start, "tail")


def _stray(data: Region, begin: int, end: int, start: int, where: str) -> Iterator[Event]:
    """Yield bytes that belong to no tensor, and hand them on where there is anything in them."""
    part = data.part(begin, end - begin)
    place = "between two tensors" if where == "gap" else "after the last tensor"
    if first_nonzero(part) < 0:
        yield _observed(f"zero-{where}", f"{part.size:,} zero bytes {place}", start + begin)
        return
    yield _observed(
        where, f"{part.size:,} bytes {place} belong to none", start + begin, detail=repr(part.head(40))
    )
    yield Child(name=f"{where}@{start + begin}", data=part)
