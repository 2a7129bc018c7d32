"""Golden rows: a few inputs with their exact outputs, in the form in which they are passed to the model.

Inputs are an array, the columns of a data frame or a series with their dtypes, a list (of texts, of rows, of
dictionaries), or a sparse matrix by its three arrays. What a sparse matrix's arrays say of each other is checked here:
compiled code follows its indices.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Final, TypeAlias

from secureload.signing.predicates.fields import decimal_text, refused, take_decimal, take_label
from secureload.signing.predicates.values import MIXED, Values, encode_values, parse_values
from secureload.signing.strict_json import take_list, take_object, take_size, take_string
from secureload.values import dataclass

__all__ = [
    "FORMS",
    "METHODS",
    "SPARSE_FORMS",
    "Column",
    "Golden",
    "Output",
    "Sparse",
    "encode_golden",
    "parse_golden",
]

METHODS: Final = ("predict", "predict_proba", "decision_function", "transform", "score_samples")
# "" is an array, or a data frame where the columns have names.
FORMS: Final = ("", "list", "records", "series")
SPARSE_FORMS: Final = ("csr_matrix", "csr_array", "csc_matrix", "csc_array")
_MOST_COLUMNS: Final = 200_000
_MOST_PARTS: Final = 1_000
_INDEXES: Final = ("int32", "int64")
_NAME_CHARS: Final = 500
# The dtypes of pandas that numpy has not got; a zone is a name of the database of time zones.
_PANDAS: Final = re.compile(
    r"object|str|string|boolean|category|U?Int(8|16|32|64)|Float(32|64)"
    r"|datetime64\[(s|ms|us|ns), [A-Za-z0-9_+/-]{1,60}\]",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a data frame, or all of another form under the name "".

    ``dtype`` is that of pandas where numpy has not got it. A category's values are whole numbers into ``categories``,
    -1 where there is none.
    """

    name: str
    values: Values
    dtype: str = ""
    categories: Values | None = None
    ordered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparse:
    """A sparse matrix by its arrays, as scipy has them; ``form`` is one of ``SPARSE_FORMS``."""

    form: str
    shape: tuple[int, int]
    indptr: Values
    indices: Values
    data: Values


# One array, a sparse matrix, or the answers of a model with several outputs.
Output: TypeAlias = Values | Sparse | tuple[Values, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """Inputs with their exact outputs, to be replayed in the same batch.

    The inputs are ``columns`` in this ``form``, or ``sparse``. ``outputs`` are by method. ``tolerance`` is the
    largest difference that counts as equal: 0 is to the bit.
    """

    columns: tuple[Column, ...] = ()
    sparse: Sparse | None = None
    form: str = ""
    outputs: Mapping[str, Output]
    tolerance: float = 0.0

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.columns[0].values.shape[0] if self.sparse is None else self.sparse.shape[0]


def encode_golden(golden: Golden) -> dict[str, object]:
    """Return golden rows as a value of JSON."""
    inputs: dict[str, object] = (
        {"columns": [_encode_column(column) for column in golden.columns]}
        if golden.sparse is None
        else {"sparse": _encode_output(golden.sparse)}
    )
    return {
        **inputs,
        **({"form": golden.form} if golden.form else {}),
        "outputs": {method: _encode_output(output) for method, output in golden.outputs.items()},
        **({"tolerance": decimal_text(golden.tolerance)} if golden.tolerance else {}),
    }


def parse_golden(value: object, where: str) -> Golden:
    """Parse golden rows. Raises :class:`SignatureFormatError` for all that could not be passed to a model."""
    fields = take_object(value, where, ("outputs",), ("columns", "sparse", "form", "tolerance"))
    if ("columns" in fields) == ("sparse" in fields):
        raise refused(f"{where} has neither or both of columns and a sparse matrix")
    form = take_string(fields.get("form", ""), f"{where}: form")
    if form not in FORMS or (form and "sparse" in fields) or fields.get("form") == "":
        raise refused(f"{where} has an unknown form")
    columns = tuple(_column(item, f"{where}: column") for item in take_list(fields.get("columns", []), where))
    sparse = _sparse(fields["sparse"], f"{where}: sparse") if "sparse" in fields else None
    if sparse is None:
        _check_columns(columns, form, where)
    tolerance = take_decimal(fields["tolerance"], where) if "tolerance" in fields else 0.0
    if not 0.0 <= tolerance <= 1.0:
        raise refused(f"{where} has a tolerance that is not from 0 to 1")
    golden = Golden(
        columns=columns,
        sparse=sparse,
        form=form,
        outputs=_outputs(fields["outputs"], where),
        tolerance=tolerance,
    )
    if golden.rows == 0 or any(_rows(output) != {golden.rows} for output in golden.outputs.values()):
        raise refused(f"{where} has not one output for each row")
    return golden


def _outputs(value: object, where: str) -> dict[str, Output]:
    if not isinstance(value, dict) or not value or not set(value) <= set(METHODS):
        raise refused(f"{where}: outputs are by method: {', '.join(METHODS)}")
    return {method: _output(output, f"{where}: {method}") for method, output in value.items()}


def _output(value: object, where: str) -> Output:
    if isinstance(value, dict) and "parts" in value:
        parts = take_list(take_object(value, where, ("parts",))["parts"], where)
        if not 1 <= len(parts) <= _MOST_PARTS:
            raise refused(f"{where} has {len(parts):,} parts instead of 1 to {_MOST_PARTS:,}")
        return tuple(parse_values(part, where) for part in parts)
    if isinstance(value, dict) and "indptr" in value:
        return _sparse(value, where)
    return parse_values(value, where)


def _rows(output: Output) -> set[int]:
    if isinstance(output, tuple):
        return {part.shape[0] for part in output}
    return {output.shape[0]}


def _encode_output(output: Output) -> dict[str, object]:
    if isinstance(output, tuple):
        return {"parts": [encode_values(part) for part in output]}
    if isinstance(output, Values):
        return encode_values(output)
    return {
        "form": output.form,
        "shape": list(output.shape),
        **{part: encode_values(getattr(output, part)) for part in ("indptr", "indices", "data")},
    }


def _encode_column(column: Column) -> dict[str, object]:
    fields: dict[str, object] = {"name": column.name, "values": encode_values(column.values)}
    if column.dtype:
        fields["dtype"] = column.dtype
    if column.categories is not None:
        fields["categories"] = encode_values(column.categories)
        fields["ordered"] = "true" if column.ordered else "false"
    return fields


def _column(value: object, where: str) -> Column:
    fields = take_object(value, where, ("name", "values"), ("dtype", "categories", "ordered"))
    name = take_string(fields["name"], where)
    values = parse_values(fields["values"], where)
    dtype = take_string(fields.get("dtype", ""), f"{where}: dtype")
    if fields.get("dtype") == "" or (dtype and _PANDAS.fullmatch(dtype) is None):
        raise refused(f"{where} has an unknown dtype of pandas: {dtype[:60]!r}")
    if ("categories" in fields) != (dtype == "category") or ("ordered" in fields) != (dtype == "category"):
        raise refused(f"{where}: what is a category has categories, and whether they are ordered")
    categories = parse_values(fields["categories"], f"{where}: categories") if dtype == "category" else None
    ordered = fields.get("ordered", "false")
    if ordered not in ("true", "false"):
        raise refused(f"{where}: ordered is not true or false")
    if categories is not None:
        _check_codes(values, categories, where)
    return Column(
        name=take_label(name, where, _NAME_CHARS) if name else "",
        values=values,
        dtype=dtype,
        categories=categories,
        ordered=ordered == "true",
    )


def _check_codes(values: Values, categories: Values, where: str) -> None:
    if len(categories.shape) != 1 or not values.dtype.startswith("int"):
        raise refused(f"{where}: a category has whole numbers, and categories in one dimension")
    if any(not -1 <= int(code) < len(categories.items) for code in values.items):
        raise refused(f"{where}: a category has a number that none of its categories has")


def _check_columns(columns: tuple[Column, ...], form: str, where: str) -> None:
    if not 1 <= len(columns) <= _MOST_COLUMNS:
        raise refused(f"{where} has no columns, or too many")
    rows = columns[0].values.shape[0]
    is_whole = len(columns) == 1 and columns[0].name == "" and form in ("", "list")
    if (form == "series" and len(columns) != 1) or (form == "list" and not is_whole):
        raise refused(f"{where}: a series has one column, and a list has one without a name")
    if form == "records" and any(column.values.dtype != MIXED for column in columns):
        raise refused(f"{where}: the values of dictionaries are mixed ones")
    if form in ("list", "records") and any(column.dtype for column in columns):
        raise refused(f"{where}: only columns of pandas have a dtype of pandas")
    for column in columns:
        dimensions = len(column.values.shape)
        is_named = bool(column.name) or form == "series"
        if column.values.shape[0] != rows or (dimensions != 1 and not is_whole) or is_named == is_whole:
            raise refused(
                f"{where}: columns have names and one dimension each, or there is one array without a name"
            )
        if is_whole and column.dtype:
            raise refused(f"{where}: only columns of pandas have a dtype of pandas")
    if len({column.name for column in columns}) != len(columns):
        raise refused(f"{where} has a column twice")


def _sparse(value: object, where: str) -> Sparse:
    fields = take_object(value, where, ("form", "shape", "indptr", "indices", "data"))
    form = take_string(fields["form"], f"{where}: form")
    shape = [take_size(size, f"{where}: shape") for size in take_list(fields["shape"], f"{where}: shape")]
    if form not in SPARSE_FORMS or len(shape) != 2:
        raise refused(f"{where} is no sparse matrix of a known form and two dimensions")
    parts = {name: parse_values(fields[name], f"{where}: {name}") for name in ("indptr", "indices", "data")}
    major, minor = shape if form.startswith("csr") else reversed(shape)
    _check_arrays(parts, major, minor, where)
    return Sparse(form=form, shape=(shape[0], shape[1]), **parts)


def _check_arrays(parts: Mapping[str, Values], major: int, minor: int, where: str) -> None:
    starts, indices, data = parts["indptr"], parts["indices"], parts["data"]
    if any(len(part.shape) != 1 for part in parts.values()) or data.dtype in ("str", MIXED):
        raise refused(f"{where}: its arrays are numbers in one dimension")
    if starts.dtype not in _INDEXES or indices.dtype != starts.dtype:
        raise refused(f"{where}: its indices are of neither of {' and '.join(_INDEXES)}")
    places = [int(item) for item in starts.items]
    ascending = all(first <= second for first, second in itertools.pairwise(places))
    if len(places) != major + 1 or places[0] != 0 or not ascending or places[-1] != len(indices.items):
        raise refused(f"{where}: its rows do not begin and end where they should")
    if len(data.items) != len(indices.items) or any(not 0 <= int(index) < minor for index in indices.items):
        raise refused(f"{where}: an index is outside of its shape")
