"""What the ``descr`` of a ``.npy`` header says: how many bytes an element has, and whether it holds objects.

The rules are those of ``numpy.lib.format.descr_to_dtype`` (numpy 1.6 to 2.4) for what ``dtype_to_descr``
writes. numpy's own constructor takes far more texts ("object", "f8,O", "(2,)i4"): a header with one of them
was not written by numpy, and is refused rather than understood by half.
"""

from __future__ import annotations

import re

from secureload.errors import MalformedError
from secureload.formats.literal import Literal

__all__ = ["descr_layout"]

# Kind → sizes in bytes; "S", "U" and "V" have any, "U" counts characters of four bytes.
_SIZES: dict[str, frozenset[int]] = {
    "b": frozenset({1}),
    "i": frozenset({1, 2, 4, 8}),
    "u": frozenset({1, 2, 4, 8}),
    "f": frozenset({2, 4, 8, 12, 16}),
    "c": frozenset({8, 16, 24, 32}),
    "m": frozenset({8}),
    "M": frozenset({8}),
}
_PLAIN = re.compile(
    r"[<>|=]?([biufcmMSaUV])([0-9]{1,10})(\[[0-9]{0,10}(?:Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as|generic)\])?"
)
_OBJECT = re.compile(r"[<>|=]?O[48]?")
_MOST_DIMENSIONS = 64
# npy_intp: numpy refuses an element that is larger.
_LARGEST = 1 << 63


def descr_layout(descr: Literal) -> tuple[int, bool]:
    """Return ``(size of an element in bytes, whether it holds objects)``.

    Raises:
        MalformedError: numpy does not write such a description.
    """
    size, objects = _layout(descr)
    if size >= _LARGEST:
        raise _malformed("an element of the array has more bytes than can be addressed")
    return size, objects


def _layout(descr: Literal) -> tuple[int, bool]:
    if isinstance(descr, str):
        return _plain(descr)
    if isinstance(descr, tuple) and len(descr) == 2:
        return _repeated(descr[0], descr[1])
    if isinstance(descr, list):
        return _fields(descr)
    raise _malformed("the array's type is not described as numpy does it")


def _plain(text: str) -> tuple[int, bool]:
    if _OBJECT.fullmatch(text):
        return 8, True
    match = _PLAIN.fullmatch(text)
    if match is None:
        raise _malformed("the array's type string is not one that numpy writes")
    kind, size, unit = match[1], int(match[2]), match[3]
    if kind in _SIZES and size not in _SIZES[kind]:
        raise _malformed("the array's type has a size that numpy does not have")
    if unit is not None and kind not in "mM":
        raise _malformed("only times have a unit")
    return size * (4 if kind == "U" else 1), False


def _repeated(descr: Literal, shape: Literal) -> tuple[int, bool]:
    size, objects = _layout(descr)
    extents = shape if isinstance(shape, tuple) else (shape,)
    if len(extents) > _MOST_DIMENSIONS:
        raise _malformed("a field of the array has too many dimensions")
    for extent in extents:
        if type(extent) is not int or not 0 <= extent < _LARGEST:
            raise _malformed("a field's shape holds something that is not a size")
        size = min(size * extent, _LARGEST)
    return size, objects


def _fields(fields: list[Literal]) -> tuple[int, bool]:
    total, objects = 0, False
    for field in fields:
        if not isinstance(field, tuple) or len(field) not in (2, 3):
            raise _malformed("a field of the array is not a name, a type and a shape")
        name = field[0]
        named = isinstance(name, str) or (
            isinstance(name, tuple) and len(name) == 2 and all(isinstance(part, str) for part in name)
        )
        if not named:
            raise _malformed("a field of the array has no name")
        size, holds = _repeated(field[1], field[2]) if len(field) == 3 else _layout(field[1])
        total, objects = min(total + size, _LARGEST), objects or holds
    return total, objects


def _malformed(message: str) -> MalformedError:
    return MalformedError(message, format="npy")
