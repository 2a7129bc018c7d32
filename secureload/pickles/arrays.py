"""How many raw bytes follow a joblib array wrapper, computed from what the payload says, without numpy.

joblib writes a ``NumpyArrayWrapper`` into the pickle and, right behind its BUILD, the raw bytes of the
array; an array of objects is a nested pickle instead. The rules are those of ``joblib.numpy_pickle``
(joblib 0.10 to 1.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ArrayBytes", "ArrayLayoutError", "array_bytes", "dtype_layout"]

_CHAR_SIZES = {"b": 1, "i": 1, "u": 1, "f": 1, "c": 1, "m": 1, "M": 1, "S": 1, "a": 1, "V": 1, "U": 4}
_HAS_OBJECT_FLAG = 0x01
_MAX_DIMENSIONS = 64
_MAX_PADDING = 255


class ArrayLayoutError(ValueError):
    """The wrapper's state does not say how many bytes follow."""


@dataclass(frozen=True, slots=True)
class ArrayBytes:
    """``size`` raw bytes follow, after a padding-length byte if ``aligned``; or a pickle if ``nested_pickle``."""

    size: int
    aligned: bool
    nested_pickle: bool


def dtype_layout(args: tuple[object, ...], state: object) -> tuple[int, bool]:
    """Return ``(item size in bytes, holds objects)`` of a pickled numpy dtype.

    ``args`` are those of the recorded ``numpy.dtype(…)`` call and ``state`` that of its BUILD (or None):
    ``(version, byteorder, subdtype, names, fields, itemsize, alignment, flags, …)``, where the size is -1
    for the plain types, whose size stands in their type string (``"f8"``).

    Raises:
        ArrayLayoutError: neither says a size.
    """
    spec = args[0] if args else None
    if isinstance(state, tuple) and len(state) >= 8:
        size, flags = state[5], state[7]
        if type(size) is not int or type(flags) is not int:
            raise ArrayLayoutError("the dtype's state has no sizes")
        has_object = bool(flags & _HAS_OBJECT_FLAG)
        if size >= 0:
            return size, has_object or spec == "O"
    if not isinstance(spec, str):
        raise ArrayLayoutError("the dtype is not given by its type string")
    text = spec.lstrip("<>=|")
    if text in {"O", "O8", "O4"}:
        return 8, True
    unit, digits = _CHAR_SIZES.get(text[:1]), text[1:]
    if unit is None or not digits.isascii() or not digits.isdigit() or len(digits) > 12:
        raise ArrayLayoutError("the dtype's type string is not one of numpy's")
    return int(digits) * unit, False


def array_bytes(state: Mapping[Any, object], item_size: int, holds_objects: bool) -> ArrayBytes:
    """Return what follows a wrapper with this ``state``.

    Raises:
        ArrayLayoutError: the shape is not a tuple of plain, non-negative integers.
    """
    shape = state.get("shape")
    if not isinstance(shape, tuple) or len(shape) > _MAX_DIMENSIONS:
        raise ArrayLayoutError("the array's shape is not a tuple")
    count = 1
    for extent in shape:
        if type(extent) is not int or extent < 0:
            raise ArrayLayoutError("the array's shape holds something that is not a size")
        count *= extent
    alignment = state.get("numpy_array_alignment_bytes")
    if alignment is not None and (type(alignment) is not int or not 0 < alignment <= _MAX_PADDING):
        raise ArrayLayoutError("the array's alignment is not a number of bytes")
    return ArrayBytes(
        size=count * item_size,
        aligned=alignment is not None and not holds_objects,
        nested_pickle=holds_objects,
    )
