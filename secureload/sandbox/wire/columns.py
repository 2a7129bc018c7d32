"""pandas' columns, dtypes, zones and scalars as values of the wire."""

from __future__ import annotations

import datetime
import io
import re
import zoneinfo
from collections.abc import Callable
from typing import Any

from secureload.sandbox.wire import arrow
from secureload.sandbox.wire.errors import Unencodable, WireValueError
from secureload.sandbox.wire.scalars import ZONE_NAME, encode_zone, zone_file

__all__ = [
    "DECODERS",
    "checked_values",
    "encode_column",
    "encode_scalar",
    "frequency",
    "hash_once",
    "named_frequency",
    "written_out",
]

Encode = Callable[[Any], Any]

_MAX_TEXT_CHARS = 64
_FREQUENCY = re.compile(r"[A-Za-z0-9_:+-]{1,64}")
_UNITS = frozenset({"s", "ms", "us", "ns"})
_CLOSED = frozenset({"left", "right", "both", "neither"})
_NULLABLE = frozenset({"Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32",
                       "Float64", "boolean"})  # fmt: skip


# -- columns -------------------------------------------------------------------------------------------------


def encode_column(array: Any, encode: Encode) -> list[Any]:
    """Encode the array of a column or index.

    Raises:
        Unencodable: a dtype that has no encoding here; the text names it.
    """
    import pandas as pd

    dtype = array.dtype
    name = str(dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        return ["cat", encode(array.codes), encode(array.categories), bool(array.ordered)]
    if name in _NULLABLE:
        filled = array.to_numpy(dtype=dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0))
        return ["nul", name, encode(filled), encode(array.isna())]
    if isinstance(dtype, pd.StringDtype):
        missing = array.isna()
        texts = [None if gone else str(text) for text, gone in zip(array, missing, strict=True)]
        return ["str", *_storage(dtype), texts]
    if isinstance(dtype, pd.DatetimeTZDtype):
        return ["dtz", encode(array.asi8), dtype.unit, _encode_zone(dtype.tz)]
    if isinstance(dtype, pd.IntervalDtype):
        return ["iv", encode(array.left), encode(array.right), array.closed]
    if isinstance(dtype, pd.PeriodDtype):
        return ["pe", encode(array.asi8), dtype.freq.freqstr]
    if isinstance(dtype, pd.SparseDtype):
        fill = encode(dtype.fill_value)
        return ["spa", encode(array.to_dense()), fill, array.kind]
    if isinstance(dtype, pd.ArrowDtype):
        return ["ax", arrow.encode_arrow(array.__arrow_array__(), encode)]
    if isinstance(dtype, pd.api.extensions.ExtensionDtype) and not isinstance(
        array, pd.arrays.NumpyExtensionArray
    ):
        raise Unencodable(f"a pandas column of dtype {name}")
    tree: list[Any] = encode(array.to_numpy())
    return tree


def _storage(dtype: Any) -> tuple[str, bool]:
    """Return where the strings lie, and whether a missing one is NaN (and not NA)."""
    return dtype.storage, isinstance(getattr(dtype, "na_value", None), float)


def checked_values(value: Any, size: int | None = None) -> Any:
    """Return an array of one dimension: pandas would repeat a single value as often as the index is long."""
    import numpy as np
    import pandas as pd

    if type(value) is not np.ndarray and not isinstance(value, pd.api.extensions.ExtensionArray):
        raise WireValueError("a column that is no array")
    if value.ndim != 1 or (size is not None and len(value) != size):
        raise WireValueError("a column that does not fit its index")
    return value


def _integers(value: Any) -> Any:
    import numpy as np

    return np.asarray(checked_values(value), dtype="i8")


def hash_once(keys: Any, decode: Callable[[Any], Any]) -> None:
    """Hash each key in Python, where the decoder looks at the clock, before pandas hashes them all in C."""
    if keys.dtype.kind != "O":
        return
    seen = set()
    for key in keys:
        decode(None)
        seen.add(key)


def _index(value: Any) -> Any:
    import pandas as pd

    if not isinstance(value, pd.Index):
        raise WireValueError("labels that are no index")
    return value


def written_out(index: Any, decode: Callable[[Any], Any]) -> Any:
    """Return an index of which pandas writes out every label: those of a range, which came as three, are counted."""
    import pandas as pd

    if isinstance(index, pd.RangeIndex):
        for _ in range(len(index)):
            decode(None)
    return index


def _categorical(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    codes, categories, ordered = (decode(part) for part in parts)
    hash_once(_index(categories), decode)
    return pd.Categorical.from_codes(checked_values(codes), categories=categories, ordered=ordered is True)


def _nullable(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import numpy as np
    import pandas as pd

    name, values, missing = (decode(part) for part in parts)
    if name not in _NULLABLE:
        raise WireValueError("a nullable dtype that is none")
    kinds = {"boolean": pd.arrays.BooleanArray, "Float": pd.arrays.FloatingArray}
    kind = kinds.get(name.rstrip("3264"), pd.arrays.IntegerArray)
    plain = np.asarray(checked_values(values), dtype=pd.api.types.pandas_dtype(name).numpy_dtype)
    return kind(plain, np.asarray(checked_values(missing, len(values)), dtype=bool))


def _strings(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import numpy as np
    import pandas as pd

    storage, is_nan, texts = parts
    if storage not in {"python", "pyarrow", "pyarrow_numpy"} or not isinstance(texts, list):
        raise WireValueError("a string dtype that is none")
    if not all(text is None or isinstance(text, str) for text in texts):
        raise WireValueError("a column of strings with something else")
    decode(None)
    if is_nan is True and storage != "pyarrow_numpy":
        dtype = pd.StringDtype(storage, na_value=np.nan)
    else:
        dtype = pd.StringDtype(storage)
    return pd.array(np.array(texts, dtype=object), dtype=dtype)


def _zoned(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    values, unit, zone = (decode(part) for part in parts)
    if unit not in _UNITS or not isinstance(zone, datetime.tzinfo):
        raise WireValueError("times of a zone that is none")
    utc = pd.DatetimeIndex(_integers(values).view(f"M8[{unit}]"), tz="UTC")
    return utc.tz_convert(zone).array


def _intervals(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    left, right, closed = (decode(part) for part in parts)
    if closed not in _CLOSED:
        raise WireValueError("intervals that are none")
    sides = [written_out(_index(side), decode) for side in (left, right)]
    return pd.arrays.IntervalArray.from_arrays(*sides, closed=closed)


def _periods(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    ordinals, frequent = (decode(part) for part in parts)
    return pd.arrays.PeriodArray(_integers(ordinals), dtype=pd.PeriodDtype(frequency(frequent)))


def _sparse(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    dense, fill, kind = (decode(part) for part in parts)
    if kind not in {"integer", "block"}:
        raise WireValueError("a sparse column that is none")
    dtype = pd.SparseDtype(checked_values(dense).dtype, fill)
    return pd.arrays.SparseArray(dense, fill_value=fill, kind=kind, dtype=dtype)


def _of_arrow(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    (part,) = parts
    return pd.arrays.ArrowExtensionArray(arrow.arrow_array(decode(part)))


# -- zones and frequencies -----------------------------------------------------------------------------------


def _encode_zone(zone: Any) -> Any:
    name = getattr(zone, "zone", None)
    if type(zone).__module__.partition(".")[0] == "pytz" and isinstance(name, str):
        return ["zp", name, zone_file(name)]
    return encode_zone(zone)


def _pytz_zone(parts: list[Any], _: Callable[[Any], Any]) -> Any:
    import pytz

    name, data = parts
    if not isinstance(name, str) or not ZONE_NAME.fullmatch(name):
        raise WireValueError("a time zone that is none")
    try:
        return pytz.timezone(name)
    except (KeyError, OSError):
        if not isinstance(data, bytes):
            raise
        return pytz.tzfile.build_tzinfo(name, io.BytesIO(data))


def frequency(text: Any) -> Any:
    """Return the offset that a short text names."""
    import pandas as pd

    if not isinstance(text, str) or not _FREQUENCY.fullmatch(text):
        raise WireValueError("a frequency that is none")
    return pd.tseries.frequencies.to_offset(text)


def named_frequency(offset: Any) -> str | None:
    """Return the text that names an offset, None where the text does not say all of it (holidays, parts of a day)."""
    if offset is None:
        return None
    try:
        return offset.freqstr if frequency(offset.freqstr) == offset else None
    except (TypeError, ValueError, WireValueError):
        return None


# -- dtypes and scalars --------------------------------------------------------------------------------------


def encode_scalar(value: Any, encode: Encode) -> list[Any]:
    """Encode a scalar, dtype or offset of pandas."""
    import pandas as pd

    if value is pd.NA:
        return ["NA"]
    if value is pd.NaT:
        return ["NaT"]
    kind = type(value)
    if kind is pd.Timestamp:
        utc = value if value.tz is None else value.tz_convert("UTC").tz_localize(None)
        return ["tsp", encode(utc.asm8), None if value.tz is None else _encode_zone(value.tz)]
    if kind is pd.Timedelta:
        return ["tdl", encode(value.asm8)]
    if kind is pd.Period:
        return ["per", value.ordinal, value.freq.freqstr]
    if kind is pd.Interval:
        return ["itv", encode(value.left), encode(value.right), value.closed]
    if isinstance(value, pd.tseries.offsets.BaseOffset):
        named = named_frequency(value)
        if named is None:
            raise Unencodable("an offset of dates that has no name of its own")
        return ["off", named]
    if isinstance(value, pd.CategoricalDtype):
        return ["dtc", encode(value.categories), value.ordered]
    if isinstance(value, pd.StringDtype):
        return ["dts", *_storage(value)]
    if isinstance(value, pd.DatetimeTZDtype):
        return ["dtt", value.unit, _encode_zone(value.tz)]
    if isinstance(value, pd.PeriodDtype):
        return ["dtp", value.freq.freqstr]
    if isinstance(value, pd.api.extensions.ExtensionDtype) and str(value) in _NULLABLE:
        return ["dtn", str(value)]
    if isinstance(value, pd.ArrowDtype | pd.IntervalDtype | pd.SparseDtype):
        return ["dte", encode_column(pd.Series([], dtype=value).array, encode)]
    raise Unencodable(f"an object of type {kind.__qualname__}")


def _dtype_of_none(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    """Return the dtype of a column without rows."""
    return checked_values(decode(parts[0]), 0).dtype


def _timestamp(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import numpy as np
    import pandas as pd

    moment, zone = (decode(part) for part in parts)
    if not isinstance(moment, np.datetime64) or np.datetime_data(moment)[0] not in _UNITS:
        raise WireValueError("a moment that is none")
    naive = pd.Timestamp(moment)
    return naive if zone is None else naive.tz_localize("UTC").tz_convert(zone)


def _timedelta(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import numpy as np
    import pandas as pd

    span = decode(parts[0])
    if not isinstance(span, np.timedelta64) or np.datetime_data(span)[0] not in _UNITS:
        raise WireValueError("a duration that is none")
    return pd.Timedelta(span)


def _period(parts: list[Any], _: Callable[[Any], Any]) -> Any:
    import pandas as pd

    ordinal, frequent = parts
    if type(ordinal) is not int:
        raise WireValueError("a period that is none")
    return pd.Period(ordinal=ordinal, freq=frequency(frequent))


def _interval(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    left, right, closed = (decode(part) for part in parts)
    if closed not in _CLOSED:
        raise WireValueError("an interval that is none")
    return pd.Interval(left, right, closed)


def _categories_dtype(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    categories, ordered = (decode(part) for part in parts)
    if categories is not None:
        hash_once(_index(categories), decode)
    return pd.CategoricalDtype(categories, ordered)


def _zoned_dtype(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    unit, zone = (decode(part) for part in parts)
    if unit not in _UNITS or not isinstance(zone, datetime.timezone | zoneinfo.ZoneInfo):
        raise WireValueError("a dtype of a zone that is none")
    return pd.DatetimeTZDtype(unit, zone)


def _nullable_dtype(parts: list[Any], _: Callable[[Any], Any]) -> Any:
    import pandas as pd

    if parts[0] not in _NULLABLE:
        raise WireValueError("a nullable dtype that is none")
    return pd.api.types.pandas_dtype(parts[0])


def _na(_parts: list[Any], _decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    return pd.NA


def _nat(_parts: list[Any], _decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    return pd.NaT


def _period_dtype(parts: list[Any], _: Callable[[Any], Any]) -> Any:
    import pandas as pd

    return pd.PeriodDtype(frequency(parts[0]))


DECODERS: dict[str, Callable[[list[Any], Callable[[Any], Any]], Any]] = {
    "cat": _categorical,
    "nul": _nullable,
    "str": _strings,
    "dtz": _zoned,
    "iv": _intervals,
    "pe": _periods,
    "spa": _sparse,
    "ax": _of_arrow,
    "zp": _pytz_zone,
    "NA": _na,
    "NaT": _nat,
    "tsp": _timestamp,
    "tdl": _timedelta,
    "per": _period,
    "itv": _interval,
    "off": lambda parts, _: frequency(parts[0]),
    "dtc": _categories_dtype,
    "dts": lambda parts, decode: _strings([*parts, []], decode).dtype,
    "dtt": _zoned_dtype,
    "dtp": _period_dtype,
    "dtn": _nullable_dtype,
    "dte": _dtype_of_none,
}
