"""Arrays in signed statements: a dtype, a shape, and each item as the one text that reads as exactly it."""

from __future__ import annotations

import math
import re

from secureload.signing.predicates.fields import decimal_text, refused, take_decimal, take_label
from secureload.signing.strict_json import take_list, take_object, take_size, take_string
from secureload.values import dataclass

__all__ = ["DTYPES", "Values", "encode_values", "parse_values"]

_INTEGERS = tuple(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64))
_FLOATS = ("float16", "float32", "float64")
DTYPES = ("bool", *_INTEGERS, *_FLOATS, "str")
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,19}", re.ASCII)
_MOST_ITEMS = 1_000_000
_TEXT_CHARS = 10_000


@dataclass(frozen=True, slots=True)
class Values:
    """An array: ``items`` in C order, each a bool, an int, a float or a str, as ``dtype`` says."""

    dtype: str
    shape: tuple[int, ...]
    items: tuple[bool | int | float | str, ...]


def encode_values(values: Values) -> dict[str, object]:
    """Return the array as a value of JSON."""
    return {
        "dtype": values.dtype,
        "items": [_text(item) for item in values.items],
        "shape": list(values.shape),
    }


def parse_values(value: object, where: str) -> Values:
    """Parse an array of at most a million items and two dimensions."""
    fields = take_object(value, where, ("dtype", "shape", "items"))
    dtype = take_string(fields["dtype"], f"{where}: dtype")
    if dtype not in DTYPES:
        raise refused(f"{where} has the dtype {dtype[:40]!r}; known are {', '.join(DTYPES)}")
    shape = tuple(
        take_size(size, f"{where}: shape") for size in take_list(fields["shape"], f"{where}: shape")
    )
    items = take_list(fields["items"], f"{where}: items")
    if not 1 <= len(shape) <= 2 or len(items) > _MOST_ITEMS or math.prod(shape) != len(items):
        raise refused(f"{where} has {len(items):,} items, which its shape does not fit")
    return Values(dtype, shape, tuple(_item(item, dtype, where) for item in items))


def _text(item: bool | int | float | str) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, float):
        return decimal_text(item)
    return str(item)


def _item(value: object, dtype: str, where: str) -> bool | int | float | str:
    if dtype in _FLOATS:
        return take_decimal(value, f"{where}: item")
    text = take_string(value, f"{where}: item")
    if dtype == "str":
        return take_label(text, f"{where}: item", _TEXT_CHARS) if text else text
    if dtype == "bool":
        if text not in ("true", "false"):
            raise refused(f"{where} holds an item that is neither true nor false")
        return text == "true"
    if _INTEGER.fullmatch(text) is None or not _fits(int(text), dtype):
        raise refused(f"{where} holds an item that is no {dtype}: {text[:40]!r}")
    return int(text)


def _fits(number: int, dtype: str) -> bool:
    bits = int(dtype.removeprefix("u").removeprefix("int"))
    low, high = (0, 2**bits) if dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    return bool(low <= number < high)
