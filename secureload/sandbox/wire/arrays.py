"""numpy arrays and scalars as values of the wire: raw bytes of plain dtypes, items of objects.

Raw bytes are those of dtypes whose every bit pattern is valid (i, u, f, c, S, V, M, m). A bool that is neither
true nor false is made one, and a string with a forged code point is refused: neither can sit in an array of the
parent. What lies in memory with gaps, backwards or repeated lies so on the other side too, for the order of a
sum, and so its last bit, may depend on it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from secureload.sandbox.wire.errors import Unencodable, WireValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from secureload.sandbox.wire.frame import Buffer

__all__ = [
    "Segments",
    "decode_array",
    "decode_dtype",
    "decode_shape",
    "encode_array",
    "is_plain",
]

_MAX_DIMENSIONS = 32
_PLAIN = frozenset(
    {"|b1", "|i1", "|u1"}
    | {
        f"{order}{kind}"
        for order in "<>"
        for kind in ("i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8", "f16", "c8", "c16", "c32")
    }
)
_TIME_UNITS = frozenset({"Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"})
_MAX_ITEM_BYTES = 1 << 24
_LAST_CODE_POINT = 0x10FFFF
# A slice may leave this many times its own bytes out; one with larger gaps arrives without them.
_MOST_GAPS = 4
_FREE_GAPS_BYTES = 1 << 16


class Segments:
    """The raw segments of one message; each serves once, and what they expand to is bounded.

    ``expanded_bytes`` bounds the memory of all arrays together that take more than what came for them.
    """

    def __init__(self, buffers: Sequence[Buffer], expanded_bytes: int) -> None:
        self._buffers: list[Buffer | None] = list(buffers)
        self._left = expanded_bytes

    def take(self, index: object) -> Buffer:
        """Return segment ``index``.

        Raises:
            WireValueError: there is none, or it was taken before.
        """
        if type(index) is not int or not 0 <= index < len(self._buffers):
            raise WireValueError("a segment that did not come")
        found, self._buffers[index] = self._buffers[index], None
        if found is None:
            raise WireValueError("a segment that two arrays claim")
        return found

    def expand(self, size: int) -> None:
        """Account for ``size`` bytes that are made from less.

        Raises:
            WireValueError: it is too much.
        """
        self._left -= size
        if self._left < 0:
            raise WireValueError("an array that is larger than what came of it")


def decode_dtype(text: object) -> np.dtype[Any]:
    """Return the dtype of an allowed type string; everything else is refused."""
    import numpy as np

    if isinstance(text, str) and is_plain(text):
        return np.dtype(text)
    raise WireValueError("a dtype that does not cross the wire")


def is_plain(text: str) -> bool:
    """Whether arrays of the dtype with this type string cross as raw bytes."""
    return text in _PLAIN or _is_sized_type(text) or _is_time_type(text)


def _is_sized_type(text: str) -> bool:
    """Whether it names bytes, void or a string, of a size that is not 0."""
    digits = text[2:]
    if text[:2] not in {"|S", "|V", "<U", ">U"} or not (digits.isascii() and digits.isdigit()):
        return False
    return len(digits) < 9 and 0 < int(digits) <= _MAX_ITEM_BYTES // (4 if text[1] == "U" else 1)


def _is_time_type(text: str) -> bool:
    if text[:3] not in {"<M8", "<m8", ">M8", ">m8"}:
        return False
    unit = text[3:]
    return unit == "" or (
        unit[0] == "["
        and unit[-1] == "]"
        and unit[1] != "0"
        and unit[1:-1].lstrip("0123456789") in _TIME_UNITS
        and len(unit) < 12
    )


def encode_array(
    array: np.ndarray[Any, Any], segments: list[Buffer], encode: Callable[[Any], Any]
) -> list[Any]:
    """Encode an array of objects or of a plain dtype; its raw bytes are appended to ``segments``.

    Raises:
        Unencodable: another dtype.
    """
    import numpy as np

    array = np.asarray(array)
    if array.dtype.kind == "O":
        fortran = array.flags.f_contiguous and not array.flags.c_contiguous
        items = array.ravel(order="F" if fortran else "C").tolist()
        return ["o", list(array.shape), [encode(item) for item in items], fortran]
    text = array.dtype.str
    if not is_plain(text):
        raise Unencodable(f"an array of dtype {array.dtype}")
    if not (array.flags.c_contiguous or array.flags.f_contiguous):
        gaps = _gaps(array)
        if gaps is not None:
            strides, offset, span = gaps
            segments.append(_raw(_once(array)))
            return ["v", text, list(array.shape), strides, offset, span, len(segments) - 1]
        array = array.copy(order="K")
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    segments.append(_raw(array.T if fortran else array))
    return ["a", text, list(array.shape), fortran, len(segments) - 1]


def _raw(array: np.ndarray[Any, Any]) -> Buffer:
    """Return the bytes of an array in C order, copied only where they do not lie so."""
    import numpy as np

    if not array.size:
        return b""
    if not array.flags.c_contiguous:
        array = array.copy(order="C")
    raw: Buffer = array.reshape(-1).view(np.uint8).data
    return raw


def _gaps(array: np.ndarray[Any, Any]) -> tuple[list[int], int, int] | None:
    """Return the strides, the offset of the first item and the bytes between first and last; None for too many."""
    size = array.dtype.itemsize
    steps = [
        stride if extent > 1 else size for extent, stride in zip(array.shape, array.strides, strict=True)
    ]
    reach = [(extent - 1) * stride for extent, stride in zip(array.shape, steps, strict=True)]
    offset = -sum(step for step in reach if step < 0)
    span = offset + sum(step for step in reach if step > 0) + size
    if span > _MOST_GAPS * array.nbytes + _FREE_GAPS_BYTES:
        return None
    return steps, offset, span


def _once(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the array without what a stride of 0 repeats."""
    return array[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in array.strides)]


def decode_shape(value: object) -> tuple[int, ...]:
    """Return a shape.

    Raises:
        WireValueError: it is none.
    """
    if not isinstance(value, list) or len(value) > _MAX_DIMENSIONS:
        raise WireValueError("a shape that is none")
    for extent in value:
        if type(extent) is not int or not 0 <= extent < 1 << 48:
            raise WireValueError("a shape that is none")
    return tuple(value)


def decode_array(parts: list[Any], segments: Segments, decode: Callable[[Any], Any]) -> np.ndarray[Any, Any]:
    """Rebuild an array from ``["a" | "o" | "v", …]``; the result owns or shares memory of this process.

    It is writable, unless a stride of 0 repeats its items.
    """
    if parts[0] == "o":
        return _decode_objects(parts, decode)
    if parts[0] == "v":
        return _decode_strided(parts, segments)
    _, text, extents, fortran, index = parts
    shape = decode_shape(extents)
    flat = _decode_items(text, shape, segments.take(index))
    if not isinstance(fortran, bool):
        raise WireValueError("an array of an unknown order")
    return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)


def _decode_items(text: object, shape: tuple[int, ...], raw: Buffer) -> np.ndarray[Any, Any]:
    """Return the items of an array in one dimension, each of them a value of its dtype."""
    import numpy as np

    dtype = decode_dtype(text)
    if math.prod(shape) * dtype.itemsize != len(raw):
        raise WireValueError("an array whose bytes do not fit its shape")
    flat = np.frombuffer(raw, dtype=dtype) if len(raw) else np.empty(0, dtype=dtype)
    if flat.nbytes <= 1 << 16 or not flat.flags.writeable:
        flat = flat.copy()
    if dtype.kind == "b":
        # A byte that is neither 0 nor 1 is a bool that is neither true nor false.
        flat = flat.view(np.uint8) != 0
    elif dtype.kind == "U" and flat.size and flat.view(f"{dtype.byteorder}u4").max() > _LAST_CODE_POINT:
        raise WireValueError("a string with a character that is none")
    return flat


def _decode_objects(parts: list[Any], decode: Callable[[Any], Any]) -> np.ndarray[Any, Any]:
    import numpy as np

    _, extents, items, fortran = parts
    shape = decode_shape(extents)
    if not isinstance(items, list) or math.prod(shape) != len(items) or not isinstance(fortran, bool):
        raise WireValueError("an object array whose items do not fit its shape")
    array = np.empty(len(items), dtype=object)
    for position, item in enumerate(items):
        array[position] = decode(item)
    return array.reshape(shape, order="F" if fortran else "C")


def _decode_strided(parts: list[Any], segments: Segments) -> np.ndarray[Any, Any]:
    """Lay an array out as it lay on the other side: numpy holds the strides against the memory."""
    import numpy as np

    _, text, extents, strides, offset, span, index = parts
    shape = decode_shape(extents)
    numbers = strides if isinstance(strides, list) else [None]
    if len(numbers) != len(shape) or any(type(number) is not int for number in (*numbers, offset, span)):
        raise WireValueError("an array whose strides are none")
    once = tuple(1 if stride == 0 else extent for extent, stride in zip(shape, strides, strict=True))
    items = _decode_items(text, once, segments.take(index)).reshape(once)
    size = math.prod(shape) * items.itemsize
    if not 0 < span <= _MOST_GAPS * size + _FREE_GAPS_BYTES:
        raise WireValueError("an array with larger gaps than an encoder leaves")
    segments.expand(max(span, size))
    array: np.ndarray[Any, Any] = np.ndarray(shape, items.dtype, np.zeros(span, np.uint8), offset, strides)
    array[...] = items
    array.flags.writeable = once == shape
    return array
