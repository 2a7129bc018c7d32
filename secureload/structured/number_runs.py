"""Many numbers of Python in one place: a tensor takes four or eight bytes for each, and JSON up to twenty.

The 200,000 terms of a vocabulary have their column numbers in one, a curve of losses has its floats in another.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from secureload.structured.container import forged

__all__ = ["LONG", "packed", "unpacked"]

# As short as this, the entry of the header takes more than what the tensor saves.
LONG = 64
# Numbers of columns are not negative, and pickle takes three bytes for those below 65,536.
_RANGES = (
    ("|u1", 0, 1 << 8),
    ("<u2", 0, 1 << 16),
    ("<i4", -(1 << 31), 1 << 31),
    ("<i8", -(1 << 63), 1 << 63),
)
_TYPES = ("|u1", "<u2", "<i4", "<i8", "<f8")


def packed(values: Collection[Any]) -> Any | None:
    """Return at least :data:`LONG` integers, or as many floats, as an array of one dimension: the narrowest of
    uint8, uint16, int32 and int64, or float64. None for fewer, for other things, and for integers of more than 64 bits.
    """
    import numpy as np

    if len(values) < LONG:
        return None
    kinds = set(map(type, values))
    if kinds == {float}:
        return np.fromiter(values, "<f8", len(values))
    if kinds != {int}:
        return None
    least, most = min(values), max(values)
    kind = next((name for name, low, end in _RANGES if low <= least and most < end), None)
    return None if kind is None else np.fromiter(values, kind, len(values))


def unpacked(array: Any) -> list[int] | list[float]:
    """Return the numbers of an array that a file has.

    Raises:
        MalformedError: it is not one that :func:`packed` returns.
    """
    import numpy as np

    if (
        not isinstance(array, np.ndarray)
        or array.ndim != 1
        or array.dtype.str not in _TYPES
        or len(array) < LONG
    ):
        raise forged("has numbers in an array that is none of theirs")
    found: list[int] | list[float] = array.tolist()
    return found
