"""The tensors of an ONNX model: whether as much data is there as was declared, and where else it lies."""

from __future__ import annotations

from collections.abc import Iterator

from secureload.formats.item_count import ItemCount
from secureload.formats.outside import why_outside
from secureload.formats.protobuf import BYTES, FIXED32, FIXED64, VARINT, Field, fields, signed
from secureload.formats.reading import Child, Event, Observation
from secureload.formats.region import Region
from secureload.values import dataclass, field

__all__ = ["read_tensor"]

# TensorProto.DataType → bits of an element in raw_data (onnx.proto, IR version 14); strings have none.
_BITS = {
    1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128, 16: 16,
    17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2, 27: 6, 28: 6,
}  # fmt: skip
_STRING = 8
_DIMS, _TYPE, _STRINGS, _NAME, _RAW, _EXTERNAL, _LOCATION = 1, 2, 6, 8, 9, 13, 14
# float_data, int32_data, int64_data, double_data, uint64_data.
_TYPED = frozenset((4, 5, 7, 10, 11))
_KNOWN = frozenset((_DIMS, _TYPE, 3, _STRINGS, _NAME, _RAW, 12, _EXTERNAL, _LOCATION, 16)) | _TYPED
_NAME_BYTES = 200
_PATH_BYTES = 4096
_LARGEST = 1 << 62
# What onnxruntime takes for a tensor in the memory of its own process, and the offset for an address there.
_MEMORY_TAG = "_ORT_MEM_ADDR_"
_MOST_STRINGS = 1_000
_MOST_DIMS = 64


@dataclass(slots=True)
class _Tensor:
    """What was read of one tensor; sizes in bytes, -1 where there is no raw data."""

    name: str = ""
    type: int = 0
    dims: list[int] = field(default_factory=list)
    raw: int = -1
    typed: int = 0
    strings: int = 0
    external: list[tuple[str, str]] = field(default_factory=list)


def read_tensor(data: Region, offset: int, count: ItemCount) -> Iterator[Event]:
    """Yield what stands out in the TensorProto ``data``, which begins at ``offset`` of the file."""
    tensor = _Tensor()
    handed_on = 0
    for item in fields(data, count):
        if item.number not in _KNOWN:
            yield _observed(
                "unknown-field", f"field {item.number} of a tensor is not known", offset + item.offset
            )
            if item.wire == BYTES:
                part = data.part(item.offset, item.value)
                yield Child(name=f"field-{item.number}@{offset + item.offset}", data=part, expect="data")
        elif item.number == _DIMS:
            if len(tensor.dims) <= _MOST_DIMS:
                tensor.dims += _packed(data, item, count) if item.wire == BYTES else [item.value]
        elif item.wire == VARINT and item.number == _TYPE:
            tensor.type = item.value
        elif item.number in _TYPED:
            tensor.typed += item.value if item.wire == BYTES else item.times * _width(item.wire)
        elif item.wire != BYTES:
            continue
        elif item.number == _NAME:
            tensor.name = data.read_at(item.offset, min(item.value, _NAME_BYTES)).decode("utf-8", "replace")
        elif item.number == _RAW:
            tensor.raw = item.value
        elif item.number == _EXTERNAL:
            tensor.external.append(_entry(data.part(item.offset, item.value), count))
        elif item.number == _STRINGS:
            tensor.strings += 1
            if handed_on < _MOST_STRINGS and _begins_as_pickles_do(data.read_at(item.offset, 2), item.value):
                handed_on += 1
                part = data.part(item.offset, item.value)
                yield Child(name=f"string@{offset + item.offset}", data=part, expect="data")
    yield from _size(tensor, offset)
    yield from _external(tensor, offset)


def _width(wire: int) -> int:
    return {FIXED32: 4, FIXED64: 8}.get(wire, 1)


def _packed(data: Region, item: Field, count: ItemCount) -> list[int]:
    """Return varints without keys; more than a tensor may have dimensions are enough to know that it is none."""
    found: list[int] = []
    value = shift = 0
    for byte in data.read_at(item.offset, min(item.value, 10 * _MOST_DIMS)):
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            found.append(value & ((1 << 64) - 1))
            value = shift = 0
    count.add(len(found))
    return found


def _entry(data: Region, count: ItemCount) -> tuple[str, str]:
    """Return key and value of a StringStringEntryProto."""
    texts = {1: "", 2: ""}
    for item in fields(data, count):
        if item.wire == BYTES and item.number in texts:
            texts[item.number] = data.read_at(item.offset, min(item.value, _PATH_BYTES)).decode(
                "utf-8", "replace"
            )
    return texts[1], texts[2]


def _begins_as_pickles_do(head: bytes, size: int) -> bool:
    return size > 2 and head[0] == 0x80 and head[1] <= 5


def _observed(code: str, message: str, offset: int, detail: str = "") -> Observation:
    return Observation(code=f"onnx.{code}", message=message, detail=detail, offset=offset)


def _size(tensor: _Tensor, offset: int) -> Iterator[Event]:
    elements = 1
    if len(tensor.dims) > _MOST_DIMS:
        yield _observed(
            "tensor-shape", f"tensor {tensor.name!r} has more than {_MOST_DIMS} dimensions", offset
        )
        return
    for dim in map(signed, tensor.dims):
        if dim < 0 or elements * dim > _LARGEST:
            yield _observed(
                "tensor-shape", f"tensor {tensor.name!r} has impossible dimensions", offset, str(dim)
            )
            return
        elements *= dim
    external = any(key == "location" for key, _ in tensor.external)
    if external or not tensor.type:
        return
    bits = _BITS.get(tensor.type)
    if tensor.type == _STRING:
        wanted, has, unit = elements, tensor.strings, "strings"
    elif bits is None:
        yield _observed("tensor-type", f"tensor {tensor.name!r} has the unknown type {tensor.type}", offset)
        return
    elif tensor.raw >= 0:
        wanted, has, unit = (elements * bits + 7) // 8, tensor.raw, "bytes"
    else:
        # An element in a typed field takes a byte at least; four of two bits share one.
        wanted, has, unit = elements * min(bits, 8) // 8, tensor.typed, "bytes or more"
    if has < wanted or (has > wanted and unit == "bytes"):
        yield _observed(
            "tensor-size",
            f"tensor {tensor.name!r} declares {wanted:,} {unit}, but has {has:,}",
            offset,
        )


def _external(tensor: _Tensor, offset: int) -> Iterator[Event]:
    for key, value in tensor.external:
        if key != "location":
            if key in ("offset", "length") and not (value.isascii() and value.isdigit()):
                message = (
                    f"tensor {tensor.name!r} has a {key} in its external file that is no number: {value!r}"
                )
                yield _observed("external-place", message, offset)
            continue
        if _MEMORY_TAG in value:
            message = f"tensor {tensor.name!r} lies at an address in the memory of the program that loads it"
            yield _observed("external-memory", message, offset, value)
        elif why := why_outside(value):
            message = f"tensor {tensor.name!r} is read from a file outside the model's folder: {why}"
            yield _observed("external-outside", message, offset, value)
        else:
            yield _observed("external-data", f"the model needs a second file: {value!r}", offset)
