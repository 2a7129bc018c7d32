"""Arrays in signed statements: a dtype, a shape, and each item as the one text that reads as exactly it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final, TypeAlias

from secureload.signing.predicates.fields import decimal_text, refused, take_decimal
from secureload.signing.strict_json import take_list, take_object, take_size, take_string
from secureload.values import dataclass

__all__ = ["DTYPES", "MIXED", "Item", "Values", "encode_values", "parse_values", "tagged", "untagged"]

_INTEGERS = tuple(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64))
_FLOATS = ("float16", "float32", "float64")
# Instants and spans are whole numbers of a unit; the lowest int64 is "not a time", as in numpy.
_TIMES = tuple(
    f"{kind}64[{unit}]"
    for kind in ("datetime", "timedelta")
    for unit in ("ns", "us", "ms", "s", "m", "h", "D")
)
MIXED: Final = "mixed"
DTYPES = ("bool", *_INTEGERS, *_FLOATS, *_TIMES, "str", MIXED)
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,19}", re.ASCII)
_HEX = re.compile(r"(?:[0-9a-f]{2})*", re.ASCII)
_MOST_ITEMS = 1_000_000
_TEXT_CHARS = 1_000_000

Item: TypeAlias = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Values:
    """An array: ``items`` in C order, each a bool, an int, a float or a str, as ``dtype`` says.

    Of instants and spans the items are ints. Of "mixed" values each item is a text that :func:`untagged` reads.
    """

    dtype: str
    shape: tuple[int, ...]
    items: tuple[Item, ...]


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


def tagged(value: object) -> str | None:
    """Return a value of mixed ones as its one text, None for what has none: a letter for its type, and itself.

    It is None, a bool, an int of 64 bits, a float, a text, bytes, a date, a time without a zone or with an offset, or
    Ellipsis for a key that a dictionary has not got.
    """
    if value is None or value is ...:
        return "n:" if value is None else "x:"
    if isinstance(value, bool):
        return f"b:{_text(value)}"
    if isinstance(value, int):
        return f"i:{value}" if -(2**63) <= value < 2**64 else None
    if isinstance(value, float):
        return f"f:{decimal_text(value)}"
    if isinstance(value, str):
        return f"s:{value}"
    if isinstance(value, bytes):
        return f"y:{value.hex()}"
    return _tagged_time(value) if isinstance(value, date) else None


def _tagged_time(value: date) -> str | None:
    """Return a date or time, which is a date too; None for more than microseconds, and for "not a time"."""
    text = f"{'t' if isinstance(value, datetime) else 'd'}:{value.isoformat()}"
    try:
        return text if _TAGS[text[0]](text[2:]) == value else None
    except ValueError:
        return None


def untagged(text: str) -> object:
    """Return the value that :func:`tagged` wrote. Raises :class:`ValueError` for every other text."""
    tag, separator, rest = text.partition(":")
    if not separator or tag not in _TAGS:
        raise ValueError("it has no known tag")
    value = _TAGS[tag](rest)
    if tagged(value) != text:
        raise ValueError("it is not in its one spelling")
    return value


def _nothing(_: str) -> None:
    return None


def _absent(_: str) -> object:
    return ...


def _truth(text: str) -> bool:
    return text == "true"


def _whole(text: str) -> int:
    if _INTEGER.fullmatch(text) is None:  # also keeps a million digits from being converted
        raise ValueError("it is no integer")
    return int(text)


def _bytes(text: str) -> bytes:
    if _HEX.fullmatch(text) is None:
        raise ValueError("it is not hexadecimal")
    return bytes.fromhex(text)


_TAGS: Final[Mapping[str, Callable[[str], object]]] = {
    "n": _nothing,
    "x": _absent,
    "b": _truth,
    "i": _whole,
    "f": float,
    "s": str,
    "y": _bytes,
    "d": date.fromisoformat,
    "t": datetime.fromisoformat,
}


def _text(item: Item) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, float):
        return decimal_text(item)
    return str(item)


def _item(value: object, dtype: str, where: str) -> Item:
    if dtype in _FLOATS:
        return take_decimal(value, f"{where}: item")
    text = take_string(value, f"{where}: item")
    if len(text) > _TEXT_CHARS:
        raise refused(f"{where} holds a text of more than {_TEXT_CHARS:,} characters")
    if dtype == "str":
        return text
    if dtype == MIXED:
        try:
            untagged(text)
        except ValueError as error:
            raise refused(f"{where} holds an item that cannot be read: {error}") from None
        return text
    if dtype == "bool":
        if text not in ("true", "false"):
            raise refused(f"{where} holds an item that is neither true nor false")
        return text == "true"
    if _INTEGER.fullmatch(text) is None or not _fits(int(text), "int64" if dtype in _TIMES else dtype):
        raise refused(f"{where} holds an item that is no {dtype}: {text[:40]!r}")
    return int(text)


def _fits(number: int, dtype: str) -> bool:
    bits = int(dtype.removeprefix("u").removeprefix("int"))
    low, high = (0, 2**bits) if dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    return bool(low <= number < high)
