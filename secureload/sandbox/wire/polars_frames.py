"""polars' frames and series as values of the wire: numbers as arrays with a mask, the rest as their items."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from secureload.sandbox.wire.errors import Unencodable, WireValueError

__all__ = ["decode_polars", "encode_polars"]

Encode = Callable[[Any], Any]
Decode = Callable[[Any], Any]
Expand = Callable[[int], None]

_MAX_NESTING = 16
_MAX_ZONE_CHARS = 64
_MAX_ITEM_BYTES = 1 << 24
_PLAIN_ITEM_BYTES = 8
_NUMBERS = {
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "Float32",
    "Float64",
    "Boolean",
}
_TIMES = {"Date": "int32", "Time": "int64", "Datetime": "int64", "Duration": "int64"}
_PLAIN = _NUMBERS | {"String", "Binary", "Null", "Date", "Time", "Categorical"}
_UNITS = frozenset({"ms", "us", "ns"})


def encode_polars(value: Any, encode: Encode) -> list[Any]:
    """Encode a DataFrame, Series or dtype of polars.

    Raises:
        Unencodable: a query that was not collected, or a dtype that has no encoding here.
    """
    import polars as pl

    if type(value) is pl.DataFrame:
        return ["pl", [_series(column, encode) for column in value.get_columns()], value.height]
    if type(value) is pl.Series:
        return ["pls", *_series(value, encode)]
    if isinstance(value, pl.LazyFrame):
        raise Unencodable("a LazyFrame, which is a query and no data,", "collect it first: .collect()")
    raise Unencodable(f"an object of type {type(value).__qualname__}")


def _series(series: Any, encode: Encode) -> list[Any]:
    kind = _encode_dtype(series.dtype, encode)
    name = kind[0]
    if name in _NUMBERS or name in _TIMES:
        physical = series.to_physical()
        missing = encode(series.is_null().to_numpy()) if series.null_count() else None
        if missing is not None:
            physical = physical.fill_null(False) if name == "Boolean" else physical.fill_null(0)
        return [series.name, kind, encode(physical.to_numpy()), missing]
    return [series.name, kind, [encode(item) for item in series.to_list()], None]


def _encode_dtype(dtype: Any, encode: Encode, nesting: int = 0) -> list[Any]:
    name = type(dtype).__name__ if not isinstance(dtype, type) else dtype.__name__
    if nesting > _MAX_NESTING:
        raise Unencodable("a polars dtype nested too deep")
    if name in _PLAIN:
        return [name]
    if name == "Datetime":
        return [name, dtype.time_unit, dtype.time_zone]
    if name == "Duration":
        return [name, dtype.time_unit]
    if name == "Enum":
        return [name, dtype.categories.to_list()]
    if name == "Decimal":
        return [name, dtype.precision, dtype.scale]
    if name == "List":
        return [name, _encode_dtype(dtype.inner, encode, nesting + 1)]
    if name == "Array":
        return [name, _encode_dtype(dtype.inner, encode, nesting + 1), dtype.size]
    if name == "Struct":
        return [
            name,
            [[field.name, _encode_dtype(field.dtype, encode, nesting + 1)] for field in dtype.fields],
        ]
    raise Unencodable(f"a polars column of dtype {dtype}")


def decode_polars(tree: list[Any], decode: Decode, expand: Expand) -> Any:
    """Rebuild a DataFrame or Series of polars; ``expand`` accounts for what takes more than came for it."""
    import polars as pl

    if tree[0] == "pls":
        return _decode_series(tree[1:], decode, expand)
    _, encoded, height = tree
    columns = [_decode_series(parts, decode, expand) for parts in encoded]
    if type(height) is not int or height < 0 or not all(len(column) == height for column in columns):
        raise WireValueError("a frame whose columns do not fit")
    return pl.DataFrame(columns)


def _decode_series(parts: list[Any], decode: Decode, expand: Expand) -> Any:
    import numpy as np
    import polars as pl

    name, kind, items, missing = parts
    dtype = _decode_dtype(kind)
    if not isinstance(name, str):
        raise WireValueError("a column without a name")
    if kind[0] not in _NUMBERS and kind[0] not in _TIMES:
        expand(len(items) * _item_bytes(dtype))
        return pl.Series(name, [decode(item) for item in items], dtype=dtype)
    values, mask = decode(items), decode(missing)
    if type(values) is not np.ndarray or values.ndim != 1 or values.dtype.kind not in "biuf":
        raise WireValueError("a column of no numbers")
    series = pl.Series(
        name, values, dtype=getattr(pl, _TIMES[kind[0]].capitalize()) if kind[0] in _TIMES else dtype
    )
    if kind[0] in _TIMES:
        series = series.cast(dtype)
    if mask is None:
        return series
    if type(mask) is not np.ndarray or mask.dtype != bool or mask.shape != values.shape:
        raise WireValueError("a column whose mask is none")
    return series.set(pl.Series(mask), None) if dtype != pl.Time else _unset(series, mask)


def _unset(series: Any, mask: Any) -> Any:
    import polars as pl

    chosen = pl.select(pl.when(pl.Series(~mask)).then(series).otherwise(None)).to_series()
    return chosen.alias(series.name)


def _item_bytes(dtype: Any) -> int:
    """Return what an item of a dtype takes at least, even where it is missing."""
    import polars as pl

    if isinstance(dtype, pl.Array):
        return int(dtype.size) * _item_bytes(dtype.inner)
    if isinstance(dtype, pl.Struct):
        return 1 + sum(_item_bytes(field.dtype) for field in dtype.fields)
    return _PLAIN_ITEM_BYTES


def _decode_dtype(tree: Any, nesting: int = 0) -> Any:
    import polars as pl

    if not isinstance(tree, list) or not tree or nesting > _MAX_NESTING:
        raise WireValueError("a dtype of polars that is none")
    name, *rest = tree
    if name in _PLAIN and not rest:
        return getattr(pl, name)()
    if name in {"Datetime", "Duration"} and rest[0] in _UNITS:
        zone = rest[1] if len(rest) > 1 else None
        if not (zone is None or (isinstance(zone, str) and len(zone) <= _MAX_ZONE_CHARS)):
            raise WireValueError("a zone that is none")
        return getattr(pl, name)(*rest)
    if name == "Enum":
        return pl.Enum(rest[0])
    if name == "Decimal":
        return pl.Decimal(*rest)
    if name == "List":
        return pl.List(_decode_dtype(rest[0], nesting + 1))
    if name == "Array" and type(rest[1]) is int and 0 <= rest[1] <= _MAX_ITEM_BYTES:
        return pl.Array(_decode_dtype(rest[0], nesting + 1), rest[1])
    if name == "Struct":
        return pl.Struct([pl.Field(field, _decode_dtype(inner, nesting + 1)) for field, inner in rest[0]])
    raise WireValueError("a dtype of polars that is none")
