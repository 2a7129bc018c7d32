"""numpy arrays and scalars as values of the wire: raw bytes of plain dtypes, tables for strings.

Only dtypes whose every bit pattern is valid travel as raw bytes (b, i, u, f, c, S, M, m). Strings travel as
indices into a table, so that a forged code point can never sit in an array of the parent.
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
    "decode_scalar",
    "encode_array",
    "encode_scalar",
    "masked",
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


class Segments:
    """The raw segments of one message; each serves once, and what they expand to is bounded.

    ``expanded_bytes`` bounds the memory of all string arrays together, which is more than what came.
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
            raise WireValueError("a string array that is too large")


def decode_dtype(text: object) -> np.dtype[Any]:
    """Return the dtype of an allowed type string; everything else is refused."""
    import numpy as np

    if isinstance(text, str) and (text in _PLAIN or _is_bytes_type(text) or _is_time_type(text)):
        return np.dtype(text)
    raise WireValueError("a dtype that does not cross the wire")


def _is_bytes_type(text: str) -> bool:
    digits = text[2:]
    return (
        text[:2] == "|S"
        and digits.isascii()
        and digits.isdigit()
        and 0 < len(digits) < 9
        and (int(digits) <= _MAX_ITEM_BYTES)
    )


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
    """Encode any supported array; its raw bytes are appended to ``segments``.

    Raises:
        Unencodable: structured arrays and dtypes of other libraries.
    """
    import numpy as np

    array = np.asarray(array)
    kind = array.dtype.kind
    if kind == "O":
        return ["o", list(array.shape), [encode(item) for item in array.ravel(order="C").tolist()]]
    if kind == "U":
        return _encode_strings(array, segments)
    text = array.dtype.str
    if not (text in _PLAIN or _is_bytes_type(text) or _is_time_type(text)):
        raise Unencodable(f"an array of dtype {array.dtype}")
    if not (array.flags.c_contiguous or array.flags.f_contiguous):
        # A slice keeps the order of its axes, which a copy in the caller's process would keep too.
        array = array.copy(order="K")
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    laid_out = array.T if fortran else array
    if not laid_out.flags.c_contiguous:
        laid_out = laid_out.copy(order="C")
    segments.append(laid_out.reshape(-1).view(np.uint8).data if laid_out.size else b"")
    return ["a", text, list(array.shape), fortran, len(segments) - 1]


def masked(data: object, mask: object, fill: object) -> np.ma.MaskedArray[Any, Any]:
    """Rebuild a masked array from its parts; plain arrays of one shape, and a scalar to fill with."""
    import numpy as np

    if type(data) is not np.ndarray or type(mask) is not np.ndarray or mask.dtype != np.bool_:
        raise WireValueError("a masked array that is none")
    if data.shape != mask.shape or not isinstance(
        fill, bool | int | float | complex | str | bytes | np.generic
    ):
        raise WireValueError("a masked array whose parts do not fit")
    return np.ma.MaskedArray(data, mask=mask, fill_value=fill)


def _encode_strings(array: np.ndarray[Any, Any], segments: list[Buffer]) -> list[Any]:
    import numpy as np

    table, indices = np.unique(array, return_inverse=True)
    segments.append(indices.reshape(-1).astype("<i8").view(np.uint8).data if array.size else b"")
    return ["u", array.dtype.itemsize // 4, list(array.shape), table.tolist(), len(segments) - 1]


def _shape(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > _MAX_DIMENSIONS:
        raise WireValueError("a shape that is none")
    for extent in value:
        if type(extent) is not int or not 0 <= extent < 1 << 48:
            raise WireValueError("a shape that is none")
    return tuple(value)


def decode_array(parts: list[Any], segments: Segments, decode: Callable[[Any], Any]) -> np.ndarray[Any, Any]:
    """Rebuild an array from ``["a" | "o" | "u", …]``; the result owns or shares writable memory of this process."""
    import numpy as np

    tag = parts[0]
    if tag == "o":
        _, extents, items = parts
        shape = _shape(extents)
        if not isinstance(items, list) or math.prod(shape) != len(items):
            raise WireValueError("an object array whose items do not fit its shape")
        array = np.empty(len(items), dtype=object)
        for position, item in enumerate(items):
            array[position] = decode(item)
        return array.reshape(shape)
    if tag == "u":
        return _decode_strings(parts, segments)
    _, text, extents, fortran, index = parts
    dtype, shape, raw = decode_dtype(text), _shape(extents), segments.take(index)
    if math.prod(shape) * dtype.itemsize != len(raw) or not isinstance(fortran, bool):
        raise WireValueError("an array whose bytes do not fit its shape")
    flat = np.frombuffer(raw, dtype=dtype) if len(raw) else np.empty(0, dtype=dtype)
    if flat.nbytes <= 1 << 16 or not flat.flags.writeable:
        flat = flat.copy()
    if dtype.kind == "b":
        # A byte that is neither 0 nor 1 is a bool that is neither true nor false.
        flat = flat.view(np.uint8) != 0
    return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)


def _decode_strings(parts: list[Any], segments: Segments) -> np.ndarray[Any, Any]:
    import numpy as np

    _, width, extents, table, index = parts
    shape, raw = _shape(extents), segments.take(index)
    if type(width) is not int or not 0 <= width <= _MAX_ITEM_BYTES // 4 or not isinstance(table, list):
        raise WireValueError("a string array that is none")
    count = math.prod(shape)
    if len(raw) != 8 * count or not all(
        isinstance(text, str) and len(text) <= max(width, 1) for text in table
    ):
        raise WireValueError("a string array whose table does not fit")
    # Every string of the table is as wide as the widest, once in the table and once for each index.
    segments.expand((count + len(table)) * max(width, 1) * 4)
    indices = np.frombuffer(raw, dtype="<i8") if count else np.empty(0, dtype="<i8")
    if count and (indices.min() < 0 or indices.max() >= len(table)):
        raise WireValueError("an index outside of the string table")
    strings = np.array(table, dtype=f"<U{max(width, 1)}")
    return (strings[indices] if count else np.empty(0, dtype=strings.dtype)).reshape(shape)


def encode_scalar(value: np.generic, segments: list[Buffer], encode: Callable[[Any], Any]) -> list[Any]:
    """Encode a numpy scalar as the array of no dimensions that it is."""
    import numpy as np

    return ["n", encode_array(np.asarray(value), segments, encode)]


def decode_scalar(parts: list[Any], segments: Segments, decode: Callable[[Any], Any]) -> Any:
    """Rebuild a numpy scalar."""
    _, inner = parts
    if not isinstance(inner, list) or not inner or inner[0] not in {"a", "u"}:
        raise WireValueError("a scalar that is none")
    array = decode_array(inner, segments, decode)
    if array.shape != ():
        raise WireValueError("a scalar with a shape")
    return array[()]
