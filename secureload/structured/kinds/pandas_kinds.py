"""What of pandas stays in fitted models: indexes of columns, and types of columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from secureload.structured.container import forged
from secureload.structured.kinds.expect import an_int, require

__all__ = ["KINDS"]


def _take_index(index: Any) -> Mapping[str, Any]:
    import numpy as np

    if type(index.dtype).__name__ == "StringDtype":
        return {
            "values": [None if value is not value else str(value) for value in index.tolist()],
            "dtype": index.dtype,
            "name": index.name,
        }
    return {"values": np.asarray(index), "dtype": None, "name": index.name}


def _make_index(kind: Any, values: Any, dtype: Any, name: Any) -> Any:
    import pandas as pd

    require(kind is pd.Index and (name is None or isinstance(name, str | int)), "has an index that is none")
    try:
        if dtype is None:
            return pd.Index(values, name=name, dtype=values.dtype)
        require(
            isinstance(dtype, pd.StringDtype) and isinstance(values, list),
            "has an index of a type that is none",
        )
        require(
            all(value is None or isinstance(value, str) for value in values),
            "has an index of text that is none",
        )
        return pd.Index(values, dtype=dtype, name=name)
    except (TypeError, ValueError, AttributeError) as error:
        raise forged(f"has an index that is none ({type(error).__name__})") from None


def _make_range(kind: Any, start: Any, stop: Any, step: Any, name: Any) -> Any:
    require(
        an_int(step, "a step", -(1 << 62)) != 0 and (name is None or isinstance(name, str)),
        "has an index that is none",
    )
    return kind(an_int(start, "a start", -(1 << 62)), an_int(stop, "an end", -(1 << 62)), step, name=name)


def _take_string(dtype: Any) -> Mapping[str, Any]:
    import pandas as pd

    return {"storage": dtype.storage, "nan": dtype.na_value is not pd.NA}


def _make_string(kind: Any, storage: Any, nan: Any) -> Any:
    import numpy as np
    import pandas as pd

    require(storage in ("python", "pyarrow") and isinstance(nan, bool), "has a type of text that is none")
    try:
        return kind(storage, np.nan if nan else pd.NA)
    except (TypeError, ValueError, ImportError) as error:
        raise forged(f"has a type of text that is not to be had here ({error})") from None


def _make_categories(kind: Any, categories: Any, ordered: Any) -> Any:
    try:
        return kind(categories, ordered=ordered)
    except (TypeError, ValueError) as error:
        raise forged(f"has categories that are none ({type(error).__name__})") from None


_INDEX = (_take_index, _make_index)
_RANGE = (
    lambda index: {"start": index.start, "stop": index.stop, "step": index.step, "name": index.name},
    _make_range,
)
_STRING = (_take_string, _make_string)
_CATEGORIES = (lambda dtype: {"categories": dtype.categories, "ordered": dtype.ordered}, _make_categories)
KINDS: dict[str, tuple[Any, Any]] = {
    # pandas 3 calls itself by the short names.
    "pandas:Index": _INDEX,
    "pandas.core.indexes.base:Index": _INDEX,
    "pandas:RangeIndex": _RANGE,
    "pandas.core.indexes.range:RangeIndex": _RANGE,
    "pandas:StringDtype": _STRING,
    "pandas.core.arrays.string_:StringDtype": _STRING,
    "pandas:CategoricalDtype": _CATEGORIES,
    "pandas.core.dtypes.dtypes:CategoricalDtype": _CATEGORIES,
}
