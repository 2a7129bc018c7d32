"""Checks of single values: each returns the value, or says what it is not."""

from __future__ import annotations

from typing import Any

from secureload.structured.container import forged

__all__ = ["an_array", "an_instance", "an_int", "increasing_names", "require"]


def require(true: Any, message: str) -> None:
    """Raise :class:`MalformedError` unless ``true``."""
    if not true:
        raise forged(message)


def an_int(value: Any, what: str, least: int = 0, most: int = (1 << 63) - 1) -> int:
    """Return an int of numpy or of Python that lies between two bounds, both allowed."""
    if type(value) is int and least <= value <= most:
        return value
    import numpy as np

    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        raise forged(f"has {what} that is no integer from {least:,} to {most:,}")
    return int(value)


def an_array(
    value: Any, what: str, shape: tuple[int | None, ...], kinds: str = "biuf", dtype: str | None = None
) -> Any:
    """Return an array of the given shape (None stands for any length) and kind of numbers, or of exactly one type."""
    import numpy as np

    if not isinstance(value, np.ndarray) or (
        value.dtype.kind not in kinds if dtype is None else value.dtype != np.dtype(dtype)
    ):
        raise forged(f"has {what} that is no array of {dtype or 'numbers'}")
    if value.shape != shape and (
        value.ndim != len(shape)
        or any(want is not None and want != has for want, has in zip(shape, value.shape, strict=True))
    ):
        raise forged(
            f"has {what} of shape {value.shape}, where {tuple('any' if n is None else n for n in shape)} belongs"
        )
    return value


def an_instance(value: Any, kind: Any, what: str) -> Any:
    """Return an object of exactly the class, or of one below it."""
    if not isinstance(value, kind):
        raise forged(f"has {what} that is {type(value).__name__}")
    return value


def increasing_names(names: Any, what: str) -> None:
    """Require a mapping of names to 0, 1, … in any order, each once."""
    values = list(names.values()) if isinstance(names, dict) else None
    if values is None or not all(isinstance(value, int) or hasattr(value, "__index__") for value in values):
        raise forged(f"has {what} that is no vocabulary")
    if sorted(int(value) for value in values) != list(range(len(values))):
        raise forged(f"has {what} whose numbers are not 0 to {len(values) - 1:,}, each once")
