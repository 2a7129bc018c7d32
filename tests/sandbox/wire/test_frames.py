"""pandas objects arrive with every dtype, index, name and attribute that they had."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.wire.errors import Unencodable, WireValueError
from secureload.sandbox.wire.values import Decoder, Encoder

from .crossing import assert_same, crossed

DAYS = pd.to_datetime(["2024-01-15", "2024-07-15"])
COLUMNS: dict[str, Any] = {
    "texts": ["x", None],
    "objects": np.array(["x", 1], object),
    "objects that are texts": np.array(["x", None], object),
    "bytes": [b"x", b"y"],
    "complex": [1j, 2j],
    "half floats": np.array([1, 2], "f2"),
    "ordered categories": pd.Categorical(["a", "b"], ordered=True, categories=["b", "a", "c"]),
    "categories of numbers": pd.Categorical([1, 2]),
    "categories of days": pd.Categorical(DAYS),
    "nullable integers": pd.array([1, None], "Int8"),
    "nullable floats": pd.array([1.5, None], "Float32"),
    "nullable bools": pd.array([True, None], "boolean"),
    "nullable strings": pd.array(["x", None], "string"),
    "days": DAYS,
    "seconds": np.array([1, 2], "M8[s]"),
    "durations": np.array([1, 2], "m8[s]"),
    "days in a zone": DAYS.tz_localize("Europe/Berlin"),
    "days at an offset": pd.to_datetime(["2024-01-01T00:00:00+02:00"] * 2),
    "intervals": pd.cut([1, 2], 2),
    "periods": pd.period_range("2024", periods=2, freq="M"),
    "sparse": pd.arrays.SparseArray([0, 1.0], fill_value=0.0),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_arrives_in_a_frame_in_a_series_and_as_an_index(name: str) -> None:
    frame = pd.DataFrame({"a": COLUMNS[name], "b": [1, 2]})
    if isinstance(COLUMNS[name], np.ndarray) and COLUMNS[name].dtype == object:
        frame["a"] = pd.Series(COLUMNS[name], dtype=object)  # pandas 3 makes texts of what are texts
    assert_same(crossed(frame), frame)
    assert_same(crossed(frame["a"]), frame["a"])
    if name not in {"sparse", "half floats"}:  # pandas has no such index
        index = pd.Index(frame["a"], name="labels")
        assert_same(crossed(index), index)
    assert_same(crossed(frame["a"].iloc[0]), frame["a"].iloc[0])


INDEXES = {
    "range": pd.RangeIndex(2, 9, 3, name="r"),
    "small integers": pd.Index([5], dtype="i1"),
    "objects that look like numbers": pd.Index([1, 2], dtype=object),
    "days with a frequency": pd.date_range("2024", periods=3, freq="D"),
    "hours in a zone": pd.date_range("2024", periods=2, freq="h", tz="Europe/Berlin"),
    "durations": pd.timedelta_range("1h", periods=2),
    "intervals": pd.interval_range(0, 2),
    "quarters": pd.period_range("2024", periods=2, freq="Q"),
    "categories": pd.CategoricalIndex(["u", "v"]),
    "several levels": pd.MultiIndex.from_product([["x"], [1, 2]], names=["p", None]),
    "levels with gaps": pd.MultiIndex.from_arrays([["x", None], pd.to_datetime(["2024-01-01", None])]),
    "levels of categories": pd.MultiIndex.from_arrays(
        [pd.Categorical(["u", "v"]), pd.array([1, 2], "Int64")]
    ),
    "nothing": pd.Index([], dtype="float64"),
}


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_an_index_arrives_as_rows_and_as_columns(index: Any) -> None:
    assert_same(crossed(index), index)
    rows = pd.DataFrame({"a": range(len(index))}, index=index)
    assert_same(crossed(rows), rows)
    columns = pd.DataFrame(np.ones((2, len(index))), columns=index)
    assert_same(crossed(columns), columns)


def test_names_attributes_flags_and_columns_of_one_name_arrive() -> None:
    frame = pd.DataFrame([[1, 2.0]], columns=["a", "a"]).rename_axis(columns="c", index="i")
    frame.attrs = {"source": ["somewhere"]}
    assert_same(crossed(frame), frame)
    unique = pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False)
    assert crossed(unique).flags == unique.flags
    for empty in (
        pd.DataFrame(),
        pd.DataFrame(columns=["a"]),
        pd.DataFrame(index=[1, 2]),
        pd.Series(dtype="f8"),
    ):
        assert_same(crossed(empty), empty)


SCALARS = [
    pd.NaT, pd.NA, pd.Timestamp(1704067200000000123), pd.Timestamp("2024-10-27 01:30", tz="Europe/Berlin"),
    pd.Timestamp("0500-01-01").as_unit("s"), pd.Timedelta("1h"), pd.Period("2024-01", "M"), pd.Interval(0, 1, "both"),
    pd.offsets.Day(2), pd.CategoricalDtype(["a"], ordered=True), pd.CategoricalDtype(), pd.Int64Dtype(),
    pd.StringDtype(), pd.DatetimeTZDtype("us", "Europe/Berlin"), pd.PeriodDtype("M"),
]  # fmt: skip


@pytest.mark.parametrize("value", SCALARS, ids=repr)
def test_scalars_and_dtypes_arrive(value: Any) -> None:
    found = crossed(value)
    assert_same(found, value)
    if value is not pd.NaT and value is not pd.NA:
        assert found == value


def test_a_frame_of_another_library_s_class_is_refused_by_its_name() -> None:
    class GeoFrame(pd.DataFrame):
        pass

    with pytest.raises(Unencodable, match="GeoFrame"):
        Encoder(DEFAULT_LIMITS).encode(GeoFrame({"a": [1]}))


INDEX = ["rx", 0, 2, 1, None]
FLOATS = ["a", "<f8", [1], False, 0]


@pytest.mark.parametrize(
    "tree",
    [
        ["mx", [None], [INDEX], [FLOATS]], ["mx", [None], [5], [FLOATS]], ["mx", [], [], []], ["fx", INDEX, "D"],
        ["fx", 5, "D"], ["at", 5, ["d", []], True], ["at", ["se", None, ["rx", 0, 1, 1, None], FLOATS], 5, True],
        ["iv", INDEX, INDEX, "ajar"], ["iv", 1, 2, "left"], ["pe", FLOATS, "every now and then"], ["pe", 5, "M"],
        ["spa", 1, 2, "block"], ["str", "disk", False, []], ["str", "python", False, [5]], ["off", "x" * 65],
        ["dtz", FLOATS, "ns", 5], ["dtz", FLOATS, "ns", "dateutil//etc/passwd"], ["tsp", 5, None], ["tdl", 5],
        ["per", "x", "M"], ["itv", 1, 2, "ajar"], ["dtt", "ns", "Europe/Berlin"], ["dtn", "object"], ["ax", 5],
        ["zp", "dateutil//etc/passwd", None],
    ],
    ids=repr,
)  # fmt: skip
def test_a_forged_frame_is_a_wire_error(tree: Any) -> None:
    with pytest.raises(WireValueError):
        Decoder((bytes(8),), DEFAULT_LIMITS).decode(tree)


@pytest.mark.parametrize(
    "dtype", ["interval[int64, right]", "Sparse[float64, nan]", "Sparse[int64, 0]"], ids=str
)
def test_a_dtype_arrives_as_those_of_a_frame_do(dtype: str) -> None:
    assert_same(crossed(pd.api.types.pandas_dtype(dtype)), pd.api.types.pandas_dtype(dtype))


@pytest.mark.parametrize(
    "offset",
    [pd.offsets.CustomBusinessDay(holidays=["2024-01-02"]), pd.DateOffset(days=3, hours=2)],
    ids=["holidays", "days and hours"],
)
def test_an_index_whose_frequency_has_no_name_arrives_without_it(offset: Any) -> None:
    index = pd.date_range("2024", periods=3, freq=offset)
    found = crossed(pd.DataFrame({"a": [1, 2, 3]}, index=index)).index
    assert found.freq is None
    assert found.equals(index)
    with pytest.raises(Unencodable, match="no name"):
        Encoder(DEFAULT_LIMITS).encode(offset)
