"""Golden rows as values: inputs and outputs as what can be signed, and back as what a model takes."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from secureload.errors import SelfTestError, UsageError
from secureload.printable import printable
from secureload.signing.predicates.golden import SPARSE_FORMS, Column, Golden, Output, Sparse
from secureload.signing.predicates.values import DTYPES, MIXED, Item, Values, tagged, untagged

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["array_of", "inputs_of", "output_of", "rows_of", "values_of"]

_NULLABLE = ("Int", "UInt", "Float", "boolean")
_HINT = "describe(…, golden=0) leaves them out."


def values_of(array: Any, what: str) -> Values:
    """Return an array of one or two dimensions as values that can be signed.

    Raises :class:`UsageError` for other items than booleans, integers and floats of up to 64 bits, instants, spans,
    texts, bytes, dates and None.
    """
    import numpy as np

    data = np.asarray(array)
    shape = tuple(int(size) for size in data.shape)
    if not 1 <= data.ndim <= 2:
        raise _refused(what, f"{data.ndim} dimensions")
    dtype = str(data.dtype.newbyteorder("="))
    if data.dtype.kind in "UO" and all(isinstance(item, str) for item in data.flat):
        return Values("str", shape, _texts([str(item) for item in data.flat], what))
    if data.dtype.kind in "OS":
        return Values(MIXED, shape, _texts([_tagged(item, what) for item in data.flat], what))
    if dtype not in DTYPES:
        raise _refused(what, f"the dtype {printable(data.dtype, 40)}")
    items: tuple[Item, ...] = tuple(data.ravel(order="C").tolist())
    if data.dtype.kind in "mM":
        items = tuple(data.astype(dtype).ravel(order="C").view("int64").tolist())
    return Values(dtype, shape, items)


def array_of(values: Values) -> NDArray[np.generic]:
    """Return the values as the array that they were."""
    import numpy as np

    if values.dtype in ("str", MIXED):
        array = np.empty(len(values.items), dtype=object)
        array[:] = values.items if values.dtype == "str" else [untagged(str(item)) for item in values.items]
        return array.reshape(values.shape)
    is_time = values.dtype.startswith(("datetime64", "timedelta64"))
    array = np.array(values.items, dtype="int64" if is_time else values.dtype).reshape(values.shape)
    return array.view(values.dtype) if is_time else array


def inputs_of(rows: Any) -> dict[str, Any]:
    """Return a few rows as the fields ``columns``, ``sparse`` and ``form`` of :class:`Golden`.

    Rows are an array, a data frame or series of pandas, a sparse matrix, or a list of values, of rows or of
    dictionaries. Raises :class:`UsageError` for everything else.
    """
    if hasattr(rows, "tocsr"):
        return {"sparse": _sparse(rows, "the rows")}
    if hasattr(rows, "iloc") and hasattr(rows, "columns"):
        names = [str(name) for name in rows.columns]
        if "" in names or len(set(names)) != len(names):
            raise _refused("the data frame", "a column without a name, or two of one name")
        return {
            "columns": tuple(_column(rows.iloc[:, place], name) for place, name in enumerate(rows.columns))
        }
    if hasattr(rows, "iloc"):
        name = "" if rows.name is None else str(rows.name)
        return {"columns": (_column(rows, name),), "form": "series"}
    if isinstance(rows, list) and all(isinstance(row, Mapping) for row in rows):
        return {"columns": _records(rows), "form": "records"}
    if isinstance(rows, list):
        return {"columns": (Column(name="", values=_list_values(rows)),), "form": "list"}
    return {"columns": (Column(name="", values=values_of(rows, "the rows")),)}


def rows_of(golden: Golden) -> Any:
    """Return the inputs in the form that they had.

    Raises :class:`UsageError` where they need a library that is not installed, and :class:`SelfTestError` where
    nothing can be made of them here.
    """
    try:
        return _rows_of(golden)
    except (KeyError, OverflowError, TypeError, ValueError) as error:  # what numpy, pandas or scipy refuse
        raise SelfTestError(
            f"the signed golden rows cannot be made here: {printable(error, 200)}",
            hint="Compare the library versions with 'secureload show', or load it without a self-test.",
        ) from error


def output_of(answer: Any, what: str) -> Output:
    """Return what a method answered as what can be signed. Raises :class:`UsageError`."""
    if hasattr(answer, "tocsr"):
        return _sparse(answer, what)
    if isinstance(answer, list) and answer and all(hasattr(part, "shape") for part in answer):
        return tuple(values_of(part, what) for part in answer)
    return values_of(answer, what)


def matrix_of(sparse: Sparse) -> Any:
    """Return the sparse matrix that it was."""
    import scipy.sparse

    parts = tuple(array_of(part) for part in (sparse.data, sparse.indices, sparse.indptr))
    return getattr(scipy.sparse, sparse.form)(parts, shape=sparse.shape)


def _rows_of(golden: Golden) -> Any:
    if golden.sparse is not None:
        return matrix_of(golden.sparse)
    columns = golden.columns
    if golden.form == "list":
        return array_of(columns[0].values).tolist()
    if golden.form == "records":
        named = {column.name: array_of(column.values).tolist() for column in columns}
        return [
            {name: items[row] for name, items in named.items() if items[row] is not ...}
            for row in range(golden.rows)
        ]
    if not golden.form and columns[0].name == "":
        return array_of(columns[0].values)
    try:
        import pandas as pd
    except ImportError:
        raise UsageError(
            "the golden rows are a data frame or a series, and pandas is not installed",
            hint="pip install secureload[pandas]",
        ) from None
    if golden.form == "series":
        return _series(columns[0]).rename(columns[0].name or None)
    return pd.DataFrame({column.name: _series(column) for column in columns})


def _series(column: Column) -> Any:
    import pandas as pd

    data = array_of(column.values)
    if column.categories is not None:
        codes = data.astype("int64")
        categories = pd.Index(array_of(column.categories).tolist(), dtype=_category_dtype(column.categories))
        return pd.Series(pd.Categorical.from_codes(codes, categories, ordered=column.ordered))
    if column.dtype.startswith("datetime64"):
        unit, _, zone = column.dtype[len("datetime64[") : -1].partition(", ")
        instants = pd.Series(data.astype(f"datetime64[{unit}]")).dt.tz_localize("UTC")
        return instants if zone == "UTC" else instants.dt.tz_convert(zoneinfo.ZoneInfo(zone))
    if column.dtype.startswith(_NULLABLE):
        return pd.Series(pd.array([pd.NA if item is None else item for item in data], dtype=column.dtype))
    if column.dtype:
        return pd.Series(data, dtype=column.dtype)
    return pd.Series(data)


def _category_dtype(categories: Values) -> Any:
    return None if categories.dtype in ("str", MIXED) else categories.dtype


def _column(series: Any, name: object) -> Column:
    """Return a series of pandas as a column; numpy's own dtypes need no name, pandas' need theirs."""
    what = f"the column {printable(name, 60)!r}"
    dtype = str(series.dtype)
    if dtype == "category":
        return Column(
            name=str(name),
            values=values_of(series.cat.codes.to_numpy(), what),
            dtype=dtype,
            categories=values_of(series.cat.categories.to_numpy(), what),
            ordered=bool(series.cat.ordered),
        )
    if dtype.startswith("datetime64") and "," in dtype:
        zone = dtype.partition(", ")[2].rstrip("]")
        try:
            zoneinfo.ZoneInfo(zone)
        except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
            raise _refused(what, f"the zone {printable(zone, 60)}") from None
        instants = series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return Column(name=str(name), values=values_of(instants, what), dtype=dtype)
    if dtype.startswith(("Int", "UInt", "Float", "boolean", "string")) or dtype in ("str", "object"):
        missing = series.isna().to_numpy() if dtype != "object" else [False] * len(series)
        items = [None if gone else item for item, gone in zip(series.tolist(), missing, strict=True)]
        return Column(name=str(name), values=_objects(items, what), dtype=dtype)
    if not hasattr(series.dtype, "kind") or not isinstance(series.dtype, type(series.to_numpy().dtype)):
        raise _refused(what, f"the dtype {printable(dtype, 60)} of pandas")
    return Column(name=str(name), values=values_of(series.to_numpy(), what))


def _records(rows: Sequence[Mapping[Any, Any]]) -> tuple[Column, ...]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names or not all(isinstance(name, str) and name for name in names):
        raise _refused("the rows", "keys that are no texts")
    return tuple(
        Column(name=name, values=_mixed([row.get(name, ...) for row in rows], f"the key {name!r}"))
        for name in names
    )


def _list_values(rows: list[Any]) -> Values:
    """Return a list of values, or of rows of one length."""
    import numpy as np

    is_nested = any(isinstance(row, list | tuple) or hasattr(row, "shape") for row in rows)
    nested = [list(row) for row in rows] if is_nested else []
    if is_nested and len({len(row) for row in nested}) != 1:
        raise _refused("the rows", "different lengths")
    items = [item for row in nested for item in row] if is_nested else rows
    shape = (len(rows), len(nested[0])) if is_nested else (len(rows),)
    kinds = {type(item) for item in items}
    if kinds and len(kinds) == 1 and kinds <= {bool, int, float}:
        try:
            return values_of(np.array(items).reshape(shape), "the rows")
        except OverflowError:
            raise _refused("the rows", "integers of more than 64 bits") from None
    found = _objects(items, "the rows")
    return Values(found.dtype, shape, found.items)


def _objects(items: Sequence[Any], what: str) -> Values:
    if all(isinstance(item, str) for item in items):
        return Values("str", (len(items),), _texts([str(item) for item in items], what))
    return _mixed(items, what)


def _mixed(items: Sequence[Any], what: str) -> Values:
    return Values(MIXED, (len(items),), _texts([_tagged(item, what) for item in items], what))


def _tagged(item: Any, what: str) -> str:
    import numpy as np

    text = tagged(item.item() if isinstance(item, np.generic) else item)
    if text is None:
        raise _refused(what, f"the value {printable(repr(item), 40)} of {printable(type(item).__name__, 40)}")
    return text


def _texts(texts: list[str], what: str) -> tuple[str, ...]:
    for text in texts:
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise _refused(what, f"the text {printable(text, 40)!r}, which is not Unicode") from None
    return tuple(texts)


def _sparse(matrix: Any, what: str) -> Sparse:
    if len(matrix.shape) != 2:
        raise _refused(what, f"{len(matrix.shape)} dimensions")
    form = type(matrix).__name__
    if form not in SPARSE_FORMS:
        matrix = matrix.tocsr()
        form = type(matrix).__name__
    rows, columns = (int(size) for size in matrix.shape)
    index = "int64" if "int64" in {str(matrix.indptr.dtype), str(matrix.indices.dtype)} else "int32"
    return Sparse(
        form=form,
        shape=(rows, columns),
        indptr=values_of(matrix.indptr.astype(index), what),
        indices=values_of(matrix.indices.astype(index), what),
        data=values_of(matrix.data, what),
    )


def _refused(what: str, has: str) -> UsageError:
    return UsageError(f"{what} cannot be kept as golden rows: it has {has}", hint=_HINT)
