"""How many raw bytes follow a joblib array wrapper, computed from what the payload says, without numpy.

joblib writes a ``NumpyArrayWrapper`` into the pickle and, right behind its BUILD, the raw bytes of the
array; an array of objects is a nested pickle instead. The rules are those of ``joblib.numpy_pickle``
(joblib 0.10 to 1.6).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from secureload.pickles.trace import GlobalRef
from secureload.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ArrayBytes", "ArrayLayoutError", "array_bytes", "dtype_layout", "is_array_wrapper"]

_WRAPPER = "NumpyArrayWrapper"
_WRAPPER_MODULES = frozenset({"joblib.numpy_pickle", "sklearn.externals.joblib.numpy_pickle"})

_CHAR_SIZES = {"b": 1, "i": 1, "u": 1, "f": 1, "c": 1, "m": 1, "M": 1, "S": 1, "a": 1, "V": 1, "U": 4}
# The types whose size is a part of their state.
_SIZED = frozenset("SUVa")
# numpy's NPY_ITEM_REFCOUNT, NPY_LIST_PICKLE and NPY_NEEDS_INIT; text has the last alone.
_NEEDS_INIT_FLAG = 0x08
_OBJECT_FLAGS = 0x03 | _NEEDS_INIT_FLAG
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


def is_array_wrapper(ref: GlobalRef) -> bool:
    """Whether the raw bytes of an array follow the BUILD of an instance of ``ref``."""
    return ref.name == _WRAPPER and ref.module in _WRAPPER_MODULES


def dtype_layout(
    args: tuple[object, ...],
    state: object,
    member: Callable[[object], tuple[int, bool]] | None = None,
) -> tuple[int, bool]:
    """Return ``(item size in bytes, holds objects)`` of a pickled numpy dtype.

    ``args`` are those of the recorded ``numpy.dtype(…)`` call and ``state`` that of its BUILD (or None):
    ``(version, byteorder, subdtype, names, fields, itemsize, alignment, flags, …)``, where the size is -1
    for the plain types, whose size stands in their type string (``"f8"``). ``member`` answers for the dtypes
    inside the state.

    numpy believes parts of a state and ignores others: the size of an ``"f8"``, all of it where the dtype is
    no copy; a flag of a field that holds objects it believes. So a state must be one that numpy writes.

    Raises:
        ArrayLayoutError: there is no size, or it is not what numpy writes for such a dtype.
    """
    spec = args[0] if args else None
    unit, size = _plain(spec) if isinstance(spec, str) else ("V", -1)
    if state is None:
        if size < 0:
            raise ArrayLayoutError("the dtype is not given by its type string")
        return size, unit == "O"
    if len(args) != 3 or not args[2]:
        raise ArrayLayoutError("a state is given to a dtype that is not a copy")
    if not isinstance(state, tuple) or len(state) not in (8, 9) or state[0] not in (3, 4):
        raise ArrayLayoutError("the dtype's state is not of a layout that is known")
    stated, flags = state[5], state[7]
    if type(stated) is not int or type(flags) is not int:
        raise ArrayLayoutError("the dtype's state has no sizes")
    if unit not in _SIZED:
        if stated not in (-1, size) or any(part is not None for part in state[2:5]):
            raise ArrayLayoutError("the state does not fit a plain dtype")
        holds_objects = unit == "O"
    else:
        if stated < 0 or size not in (-1, stated):
            raise ArrayLayoutError("the dtype's two sizes differ")
        size = stated
        holds_objects = _parts_hold_objects(state[2], state[3], state[4], size, member or _no_member)
    if flags & _OBJECT_FLAGS != (_OBJECT_FLAGS if holds_objects else flags & _NEEDS_INIT_FLAG):
        raise ArrayLayoutError("the dtype's flags do not say whether it holds objects")
    return size, holds_objects


def _plain(spec: str) -> tuple[str, int]:
    """Return the unit and the size in bytes of a type string such as ``"<f8"``."""
    text = spec.lstrip("<>=|")
    if text in {"O", "O8", "O4"}:
        return "O", 8
    factor, digits = _CHAR_SIZES.get(text[:1]), text[1:]
    if factor is None or not digits.isascii() or not digits.isdigit() or len(digits) > 12:
        raise ArrayLayoutError("the dtype's type string is not one of numpy's")
    return text[0], int(digits) * factor


def _no_member(_value: object) -> tuple[int, bool]:
    raise ArrayLayoutError("the dtypes inside the dtype are not known")


def _parts_hold_objects(
    subdtype: object,
    names: object,
    fields: object,
    size: int,
    member: Callable[[object], tuple[int, bool]],
) -> bool:
    """Whether a field or the repeated type holds objects; all of them must lie inside ``size`` bytes."""
    if subdtype is not None:
        if names is not None or fields is not None or not isinstance(subdtype, tuple) or len(subdtype) != 2:
            raise ArrayLayoutError("the dtype's repeated type is not one that numpy writes")
        each, objects = member(subdtype[0])
        if _count(subdtype[1]) * each != size:
            raise ArrayLayoutError("the dtype's repeated type does not fill it")
        return objects
    if fields is None and names is None:
        return False
    if not isinstance(fields, dict) or not isinstance(names, tuple):
        raise ArrayLayoutError("the dtype's fields are not a dictionary")
    # A title is a second name of its field.
    spans = sorted({_span(field, size, member) for field in fields.values()})
    holds_objects = any(objects for _, _, objects in spans)
    # As in numpy's own constructor: bytes that overlap a reference would be taken for an address.
    if holds_objects and any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
        raise ArrayLayoutError("fields of the dtype overlap, and one of them holds objects")
    return holds_objects


def _span(field: object, size: int, member: Callable[[object], tuple[int, bool]]) -> tuple[int, int, bool]:
    if not isinstance(field, tuple) or len(field) not in (2, 3) or type(field[1]) is not int:
        raise ArrayLayoutError("a field of the dtype is not a type and an offset")
    length, objects = member(field[0])
    if not 0 <= field[1] <= field[1] + length <= size:
        raise ArrayLayoutError("a field of the dtype lies outside of it")
    return field[1], field[1] + length, objects


def _count(shape: object) -> int:
    """Return the product of ``shape``, a tuple of sizes or one size."""
    count = 1
    for extent in shape if isinstance(shape, tuple) else (shape,):
        if type(extent) is not int or extent < 0:
            raise ArrayLayoutError("the array's shape holds something that is not a size")
        count *= extent
    return count


def array_bytes(state: Mapping[Any, object], item_size: int, holds_objects: bool) -> ArrayBytes:
    """Return what follows a wrapper with this ``state``.

    Raises:
        ArrayLayoutError: the shape is not a tuple of plain, non-negative integers.
    """
    shape = state.get("shape")
    if not isinstance(shape, tuple) or len(shape) > _MAX_DIMENSIONS:
        raise ArrayLayoutError("the array's shape is not a tuple")
    count = _count(shape)
    if holds_objects and state.get("allow_mmap") not in (None, False):
        # joblib would map the references of an object array from the file where the caller asks for a map.
        raise ArrayLayoutError("an array of objects says that it may be mapped")
    alignment = state.get("numpy_array_alignment_bytes")
    if alignment is not None and (type(alignment) is not int or not 0 < alignment <= _MAX_PADDING):
        raise ArrayLayoutError("the array's alignment is not a number of bytes")
    return ArrayBytes(
        size=count * item_size,
        aligned=alignment is not None and not holds_objects,
        nested_pickle=holds_objects,
    )
