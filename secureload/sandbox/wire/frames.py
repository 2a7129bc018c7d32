"""pandas objects as values of the wire: column by column, names and dtypes kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from secureload.sandbox.wire.errors import Unencodable, WireValueError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TAGS", "decode_frame", "encode_frame"]

_MAX_TEXT_CHARS = 64
# Names of the zoneinfo database and fixed offsets; "dateutil/…" would make pandas open a file of that name.
_ZONE = re.compile(r"(?!dateutil/)[A-Za-z0-9_+-][A-Za-z0-9_+:/-]{0,63}")

TAGS = frozenset({"df", "bl", "se", "ix", "rx", "mx", "cat", "nul", "str", "dtz", "NA", "tsp"})
_NULLABLE = frozenset(
    {
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
        "boolean",
    }
)


def encode_frame(value: Any, encode: Callable[[Any], Any]) -> list[Any]:
    """Encode a DataFrame, Series, Index or extension array.

    Raises:
        Unencodable: a dtype that has no encoding here; the text names it.
    """
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        if _is_block(value):
            # In one piece, rows or columns first as it is: the order of a sum decides its last bit.
            whole = encode(value.to_numpy())
            return ["bl", _index(value.columns, encode), _index(value.index, encode), whole]
        columns = [_column(value.iloc[:, position].array, encode) for position in range(value.shape[1])]
        return ["df", _index(value.columns, encode), _index(value.index, encode), columns]
    if isinstance(value, pd.Series):
        return ["se", encode(value.name), _index(value.index, encode), _column(value.array, encode)]
    if isinstance(value, pd.Index):
        return _index(value, encode)
    if value is pd.NA:
        return ["NA"]
    if isinstance(value, pd.Timestamp):
        return ["tsp", value.isoformat(), value.unit]
    if isinstance(value, pd.api.extensions.ExtensionArray):
        return _column(value, encode)
    raise Unencodable(f"an object of type {type(value).__qualname__}")


def _index(index: Any, encode: Callable[[Any], Any]) -> list[Any]:
    import pandas as pd

    if isinstance(index, pd.RangeIndex):
        return ["rx", index.start, index.stop, index.step, encode(index.name)]
    if isinstance(index, pd.MultiIndex):
        return ["mx", [encode(name) for name in index.names], [encode(tuple(key)) for key in index]]
    return ["ix", encode(index.name), _column(index.array, encode)]


def _column(array: Any, encode: Callable[[Any], Any]) -> list[Any]:
    import pandas as pd

    dtype = array.dtype
    name = str(dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        return ["cat", encode(array.codes), _index(array.categories, encode), bool(array.ordered)]
    if name in _NULLABLE:
        missing = array.isna()
        return ["nul", name, encode(array.to_numpy(dtype=dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0))),
                encode(missing)]  # fmt: skip
    if isinstance(dtype, pd.StringDtype):
        missing = array.isna()
        texts = [None if gone else str(text) for text, gone in zip(array, missing, strict=True)]
        return ["str", name, [encode(text) for text in texts]]
    if isinstance(dtype, pd.DatetimeTZDtype):
        return ["dtz", encode(array.asi8), dtype.unit, str(dtype.tz)]
    if isinstance(dtype, pd.api.extensions.ExtensionDtype) and not isinstance(
        array, pd.arrays.NumpyExtensionArray
    ):
        raise Unencodable(f"a pandas column of dtype {name}")
    tree: list[Any] = encode(array.to_numpy())
    return tree


def _is_block(frame: Any) -> bool:
    """Whether all columns have one numeric numpy dtype."""
    import numpy as np

    first = frame.dtypes.iloc[0] if frame.shape[1] else None
    return isinstance(first, np.dtype) and first.kind in "biufc" and bool((frame.dtypes == first).all())


def decode_frame(tree: list[Any], decode: Callable[[Any], Any]) -> Any:
    """Rebuild a pandas object from its tree."""
    import numpy as np
    import pandas as pd

    tag, *parts = tree
    if tag == "df":
        columns, index, encoded = (_labels(decode(parts[0])), _labels(decode(parts[1])), parts[2])
        data = dict(enumerate(_values(decode(column), len(index)) for column in encoded))
        frame = pd.DataFrame(data, index=index, copy=False)
        if frame.shape != (len(index), len(columns)):
            raise WireValueError("a frame whose columns do not fit its index")
        frame.columns = columns
        return frame
    if tag == "bl":
        columns, index, block = _labels(decode(parts[0])), _labels(decode(parts[1])), decode(parts[2])
        if type(block) is not np.ndarray or block.shape != (len(index), len(columns)):
            raise WireValueError("a frame whose block does not fit its labels")
        frame = pd.DataFrame(block, index=index, copy=False)
        frame.columns = columns
        return frame
    if tag == "se":
        name, index = decode(parts[0]), _labels(decode(parts[1]))
        values = _values(decode(parts[2]), len(index))
        return pd.Series(values, index=index, name=name, copy=False)
    if tag == "rx":
        start, stop, step, name = (decode(part) for part in parts)
        return pd.RangeIndex(start, stop, step, name=name)
    if tag == "ix":
        name, values = (decode(part) for part in parts)
        return pd.Index(_values(values), name=name)
    if tag == "mx":
        names, keys = ([decode(part) for part in items] for items in parts)
        _hash_once(keys, decode)
        return pd.MultiIndex.from_tuples(keys, names=names)
    if tag == "NA":
        return pd.NA
    if tag == "tsp":
        return pd.Timestamp(_text(parts[0])).as_unit(decode(parts[1]))
    return _decode_column(tag, parts, decode)


def _labels(value: Any) -> Any:
    """Return an index; a proxy, whose length the sender would tell, is none."""
    import pandas as pd

    if not isinstance(value, pd.Index):
        raise WireValueError("a frame whose labels are no index")
    return value


def _values(value: Any, size: int | None = None) -> Any:
    """Return an array of one dimension: pandas would repeat a single value as often as the index is long."""
    import numpy as np
    import pandas as pd

    if type(value) is not np.ndarray and not isinstance(value, pd.api.extensions.ExtensionArray):
        raise WireValueError("a column that is no array")
    if value.ndim != 1 or (size is not None and len(value) != size):
        raise WireValueError("a column that does not fit its index")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT_CHARS:
        raise WireValueError("a text that is none")
    return value


def _hash_once(keys: Any, decode: Callable[[Any], Any]) -> None:
    """Hash each key in Python, where the decoder looks at the clock, before pandas hashes them all in C."""
    seen = set()
    for key in keys:
        decode(None)
        seen.add(key)


def _decode_column(tag: str, parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import numpy as np
    import pandas as pd

    if tag == "cat":
        codes, categories, ordered = (decode(part) for part in parts)
        _values(codes)
        if _labels(categories).dtype == object:
            _hash_once(categories, decode)
        return pd.Categorical.from_codes(codes, categories=categories, ordered=ordered)
    if tag == "nul":
        name, values, missing = (decode(part) for part in parts)
        if name not in _NULLABLE:
            raise WireValueError("a nullable dtype that is none")
        array = pd.array(_values(values), dtype=name)
        array[np.asarray(_values(missing, len(values)), dtype=bool)] = pd.NA
        return array
    if tag == "str":
        name, texts = parts
        if not isinstance(name, str) or name.split("[")[0] not in {"str", "string"}:
            raise WireValueError("a string dtype that is none")
        return pd.array([decode(text) for text in texts], dtype=name)
    values, unit, zone = (decode(part) for part in parts)
    if unit not in {"s", "ms", "us", "ns"}:
        raise WireValueError("a unit of time that is none")
    if not isinstance(zone, str) or not _ZONE.fullmatch(zone):
        raise WireValueError("a time zone that is none")
    utc = pd.DatetimeIndex(np.asarray(_values(values), dtype="i8").view(f"M8[{unit}]"), tz="UTC")
    return utc.tz_convert(zone).array
