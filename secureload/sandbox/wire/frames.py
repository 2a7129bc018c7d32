"""pandas objects as values of the wire: column by column, names, dtypes, index and attributes kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from secureload.sandbox.wire import columns
from secureload.sandbox.wire.columns import checked_values, encode_column, hash_once, written_out
from secureload.sandbox.wire.errors import Unencodable, WireValueError

__all__ = ["TAGS", "decode_frame", "encode_frame"]


def encode_frame(value: Any, encode: Callable[[Any], Any]) -> list[Any]:
    """Encode a DataFrame, Series, Index, extension array, dtype or scalar.

    Raises:
        Unencodable: a dtype that has no encoding here, or a class that only derives from pandas'; the text names it.
    """
    import pandas as pd

    if type(value).__module__.partition(".")[0] != "pandas":
        raise Unencodable(f"an object of type {type(value).__qualname__}")
    if isinstance(value, pd.DataFrame | pd.Series):
        tree = _encode_labelled(value, encode)
        if value.attrs or not value.flags.allows_duplicate_labels:
            return ["at", tree, encode(dict(value.attrs)), value.flags.allows_duplicate_labels]
        return tree
    if isinstance(value, pd.Index):
        return _index(value, encode)
    if isinstance(value, pd.api.extensions.ExtensionArray):
        return encode_column(value, encode)
    if type(value).__name__ == "FrozenList":
        return ["l", [encode(item) for item in value]]
    return columns.encode_scalar(value, encode)


def _encode_labelled(value: Any, encode: Callable[[Any], Any]) -> list[Any]:
    import pandas as pd

    if isinstance(value, pd.Series):
        return ["se", encode(value.name), _index(value.index, encode), encode_column(value.array, encode)]
    labels = [_index(value.columns, encode), _index(value.index, encode)]
    if _is_block(value):
        # In one piece, rows or columns first as it is: the order of a sum decides its last bit.
        return ["bl", *labels, encode(value.to_numpy())]
    arrays = [encode_column(value.iloc[:, position].array, encode) for position in range(value.shape[1])]
    return ["df", *labels, arrays]


def _index(index: Any, encode: Callable[[Any], Any]) -> list[Any]:
    import pandas as pd

    if type(index) is pd.RangeIndex:
        return ["rx", index.start, index.stop, index.step, encode(index.name)]
    if isinstance(index, pd.MultiIndex):
        levels = [_index(level, encode) for level in index.levels]
        codes = [encode(part) for part in index.codes]
        return ["mx", [encode(name) for name in index.names], levels, codes]
    tree = ["ix", encode(index.name), encode_column(index.array, encode)]
    named = (
        None if isinstance(index, pd.PeriodIndex) else columns.named_frequency(getattr(index, "freq", None))
    )
    return tree if named is None else ["fx", tree, named]


def _is_block(frame: Any) -> bool:
    """Whether all columns have one numeric numpy dtype."""
    import numpy as np

    first = frame.dtypes.iloc[0] if frame.shape[1] else None
    return isinstance(first, np.dtype) and first.kind in "biufc" and bool((frame.dtypes == first).all())


def decode_frame(tree: list[Any], decode: Callable[[Any], Any]) -> Any:
    """Rebuild a pandas object from its tree."""
    tag, *parts = tree
    return _DECODERS[tag](parts, decode)


def _labels(value: Any) -> Any:
    """Return an index; a proxy, whose length the sender would tell, is none."""
    import pandas as pd

    if not isinstance(value, pd.Index):
        raise WireValueError("a frame whose labels are no index")
    return value


def _frame(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    names, index, encoded = _labels(decode(parts[0])), _labels(decode(parts[1])), parts[2]
    data = dict(enumerate(_kept(checked_values(decode(column), len(index)), index) for column in encoded))
    frame = pd.DataFrame(data, index=index, copy=False)
    if frame.shape != (len(index), len(names)):
        raise WireValueError("a frame whose columns do not fit its index")
    frame.columns = names
    return frame


def _kept(values: Any, index: Any) -> Any:
    """Return a column that stays one of objects: of objects that are texts pandas 3 would make one of texts."""
    import pandas as pd

    return pd.Series(values, index=index, dtype=object, copy=False) if values.dtype == object else values


def _block(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import numpy as np
    import pandas as pd

    names, index, block = _labels(decode(parts[0])), _labels(decode(parts[1])), decode(parts[2])
    if type(block) is not np.ndarray or block.shape != (len(index), len(names)):
        raise WireValueError("a frame whose block does not fit its labels")
    frame = pd.DataFrame(block, index=index, copy=False)
    frame.columns = names
    return frame


def _series(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    name, index = decode(parts[0]), _labels(decode(parts[1]))
    values = checked_values(decode(parts[2]), len(index))
    return pd.Series(values, index=index, name=name, dtype=values.dtype, copy=False)


def _with_attributes(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    value, attributes, duplicates = (decode(part) for part in parts)
    if not isinstance(value, pd.DataFrame | pd.Series) or type(attributes) is not dict:
        raise WireValueError("attributes of something that has none")
    if duplicates is not True:
        value = value.set_flags(allows_duplicate_labels=False)
    value.attrs = attributes
    return value


def _range_index(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    start, stop, step, name = (decode(part) for part in parts)
    return pd.RangeIndex(start, stop, step, name=name)


def _plain_index(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    name, values = (decode(part) for part in parts)
    values = checked_values(values)
    # An index of objects stays one: pandas would make numbers of what looks like numbers.
    kept = {"dtype": object} if values.dtype == object else {}
    return pd.Index(values, name=name, **kept)


def _frequent_index(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    index = decode(parts[0])
    if not isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
        raise WireValueError("an index of no times with a frequency")
    index.freq = columns.frequency(parts[1])
    return index


def _multi_index(parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    names, levels, codes = ([decode(part) for part in items] for items in parts)
    for level in levels:
        hash_once(written_out(_labels(level), decode), decode)
    if any(checked_values(part).dtype.kind != "i" for part in codes):
        raise WireValueError("labels of several levels that are none")
    return pd.MultiIndex(levels, codes, names=names, verify_integrity=True)


_DECODERS: dict[str, Callable[[list[Any], Callable[[Any], Any]], Any]] = {
    **columns.DECODERS,
    "df": _frame,
    "bl": _block,
    "se": _series,
    "at": _with_attributes,
    "rx": _range_index,
    "ix": _plain_index,
    "fx": _frequent_index,
    "mx": _multi_index,
}
TAGS = frozenset(_DECODERS)
