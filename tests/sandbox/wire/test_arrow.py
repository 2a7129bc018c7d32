"""Arrow's columns and tables arrive, alone and as columns of pandas."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import pandas as pd
import pytest

from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.wire.errors import Unencodable, WireValueError
from secureload.sandbox.wire.values import Decoder, Encoder

from .crossing import assert_same, crossed

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed (the extra 'libraries' has it)")

DAY = datetime.date(2024, 1, 15)
NOON = datetime.datetime(2024, 1, 15, 12)
COLUMNS = [
    *(pa.array([1, None, 3], kind) for kind in (pa.int8(), pa.uint64(), pa.float32(), pa.float64())),
    pa.array([1, 2], pa.float32()), pa.array([True, None]), pa.array(["x", None]), pa.array([b"x"], pa.binary()),
    pa.array(["x"], pa.large_string()), pa.array([None, None]), pa.array([DAY, None]), pa.array([DAY], pa.date64()),
    pa.array([NOON, None], pa.timestamp("ns")), pa.array([NOON], pa.timestamp("us", "Europe/Berlin")),
    pa.array([datetime.timedelta(1), None]), pa.array([datetime.time(1), None]), pa.array([[1], [2, 3], None]),
    pa.array([[1, 2]], pa.list_(pa.int8(), 2)), pa.array([{"a": 1, "b": "x"}, None]), pa.array([b"ab"], pa.binary(2)),
    pa.array([decimal.Decimal("1.50"), None]), pa.array(["x", "y", None]).dictionary_encode(),
    pa.array([], pa.int64()), pa.array([float("nan"), None]), pa.array([1, 2, 3, 4])[1:3],
]  # fmt: skip


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: str(column.type))
def test_a_column_of_arrow_arrives(column: Any) -> None:
    for value in (column, pa.chunked_array([column, column])):
        found = crossed(value)
        assert type(found) is type(value)
        assert found.type == value.type
        assert repr(found.to_pylist()) == repr(value.to_pylist())
    series = pd.Series(pd.arrays.ArrowExtensionArray(column), name="a")
    assert_same(crossed(series), series)


def test_tables_arrive_with_their_metadata() -> None:
    table = pa.table({"a": [1, 2], "b": ["x", None]}).replace_schema_metadata({"k": "v"})
    assert crossed(table).equals(table, check_metadata=True)
    batch = pa.record_batch({"a": [1]})
    assert crossed(batch).equals(batch)


def test_what_has_no_encoding_is_refused_by_its_name() -> None:
    with pytest.raises(Unencodable, match="map"):
        Encoder(DEFAULT_LIMITS).encode(pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())))
    with pytest.raises(Unencodable, match="Int64Scalar"):
        Encoder(DEFAULT_LIMITS).encode(pa.scalar(5))


INTS = ["a", "<i8", [1], False, 0]


@pytest.mark.parametrize(
    "tree",
    [
        ["ar", False, ["int64"], "numbers", 5, None], ["ar", False, ["list", ["no"]], "items", [1]],
        ["ar", False, ["string"], "numbers", INTS, None], ["ar", False, ["int8"], "items", [500]],
        ["ar", False, ["struct", 5], "items", []], ["ar", False, ["timestamp", "x", None], "numbers", INTS, None],
        ["ar", False, ["int64"], "buffers", 0], ["pat", True, ["a"], [5], None], ["pat", True, ["a"], [], None],
        ["ar", False, ["dictionary", ["int64"], ["string"], False], "codes",
         ["ar", False, ["int64"], "items", [7]], ["ar", False, ["string"], "items", ["x"]]],
    ],
    ids=repr,
)  # fmt: skip
def test_a_forged_column_is_a_wire_error(tree: Any) -> None:
    with pytest.raises(WireValueError):
        Decoder((bytes(8),), DEFAULT_LIMITS).decode(tree)


@pytest.mark.parametrize(
    "kind",
    [pa.int8(), pa.timestamp("us", "Europe/Berlin"), pa.list_(pa.string()), pa.decimal128(5, 2)],
    ids=str,
)
def test_the_dtype_of_a_column_arrives(kind: Any) -> None:
    assert_same(crossed(pd.ArrowDtype(kind)), pd.ArrowDtype(kind))
