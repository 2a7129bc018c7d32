"""Golden rows as values: what a model was shown is what it is shown again, in every form of inputs."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from secureload.api.golden_rows import inputs_of, output_of, rows_of
from secureload.errors import SelfTestError, UsageError
from secureload.signing.predicates.golden import Column, Golden, encode_golden, parse_golden
from secureload.signing.predicates.values import Values

ANSWER = Values("int64", (2,), (0, 1))
DENSE = np.array([[0.0, 1.5, 0.0], [2.5, 0.0, -0.0]])


def there_and_back(rows: Any) -> Any:
    """Return the rows as they come out of a signed statement."""
    golden = Golden(**inputs_of(rows), outputs={"predict": ANSWER})
    return rows_of(parse_golden(encode_golden(golden), "it"))


@pytest.mark.parametrize(
    "rows",
    [
        ["a good day", "two\nlines\tand ☃"],
        [b"bytes", b""],
        [[1, 2.5], [True, 3]],
        [["a", 1, None], ["b", 2.5, float("inf")]],
        [1.5, 2.5],
        [{"a": 1, "b": "x"}, {"b": None}],
    ],
)
def test_lists_come_back_with_the_types_of_their_items(rows: list[Any]) -> None:
    back = there_and_back(rows)
    assert back == rows
    assert repr(back) == repr(rows)


@pytest.mark.parametrize(
    "rows",
    [
        np.array(["one", "two"]),
        np.array([["a", 1.5], [None, 2]], dtype=object),
        np.array(["2026-03-01", "NaT"], dtype="datetime64[ms]"),
        np.array([[1], [-(2**63)]], dtype="timedelta64[ns]"),
        np.array([1.5, 2.5], dtype=">f8"),
    ],
)
def test_arrays_of_texts_objects_and_times_come_back(rows: Any) -> None:
    back = there_and_back(rows)
    assert back.shape == rows.shape
    assert back.tolist() == rows.tolist()


@pytest.mark.parametrize(
    "form", ["csr_matrix", "csr_array", "csc_matrix", "csc_array", "coo_matrix", "lil_array"]
)
def test_sparse_matrices_come_back_with_their_arrays(form: str) -> None:
    rows = getattr(sp, form)(DENSE.astype("float32"))
    back = there_and_back(rows)
    assert back.format == (rows.format if rows.format in ("csr", "csc") else "csr")
    assert isinstance(back, sp.sparray) == isinstance(rows, sp.sparray)
    assert (back.shape, back.dtype) == (rows.shape, rows.dtype)
    assert np.array_equal(back.toarray(), rows.toarray())


def test_data_frames_come_back_with_every_dtype() -> None:
    when = pd.Series(pd.to_datetime(["2026-03-01 12:00", None]))
    frame = pd.DataFrame(
        {
            "number": [1.5, np.nan],
            "small": np.array([1, 2], dtype="int8"),
            "text": ["a", None],
            "object": pd.Series(["a", 1], dtype=object),
            "date": pd.Series([datetime.date(2026, 3, 1), None], dtype=object),
            "nullable": pd.array([None, 2], dtype="Int64"),
            "flag": pd.array([True, None], dtype="boolean"),
            "string": pd.array(["a", None], dtype="string"),
            "category": pd.Categorical(["b", None], categories=["b", "a"], ordered=True),
            "numbers": pd.Categorical([3, 1]),
            "when": when,
            "utc": when.dt.tz_localize("UTC"),
            "span": when - pd.Timestamp("2026-01-01"),
        }
    )
    back = there_and_back(frame)
    pd.testing.assert_frame_equal(back, frame, check_exact=True)
    series = pd.Series(["a", "b"], name="words")
    pd.testing.assert_series_equal(there_and_back(series), series)
    assert there_and_back(pd.Series([1, 2])).name is None


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros((2, 2, 2)), "3 dimensions"),
        (np.array([1j, 2j]), "dtype complex128"),
        ([object(), object()], "of object"),
        ([[1], [1, 2]], "different lengths"),
        ([{1: 2}, {}], "keys that are no texts"),
        (["\udcff", "a"], "not Unicode"),
        ([2**64, 1], "more than 64 bits|the value 18446744073709551616"),
        (pd.DataFrame({"p": pd.period_range("2026", periods=2, freq="D")}), "period"),
        (pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), "two of one name"),
        (pd.DataFrame({"": [1, 2]}), "without a name"),
    ],
)
def test_what_cannot_be_kept_is_a_usage_error_that_says_what_it_is(rows: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        inputs_of(rows)
    assert "golden=0" in caught.value.hint


def test_outputs_are_arrays_sparse_matrices_and_lists_of_arrays() -> None:
    assert output_of(np.array([1, 2]), "it") == Values("int64", (2,), (1, 2))
    assert isinstance(output_of([np.array([1.0]), np.array([2])], "it"), tuple)
    assert output_of(sp.csr_matrix(DENSE), "it") == inputs_of(sp.csr_matrix(DENSE))["sparse"]


@given(
    st.lists(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(), min_size=2
    )
)
def test_any_list_comes_back_or_is_refused(rows: list[Any]) -> None:
    golden = Golden(**inputs_of(rows), outputs={"predict": Values("bool", (len(rows),), (True,) * len(rows))})
    assert repr(rows_of(parse_golden(encode_golden(golden), "it"))) == repr(rows)


def test_rows_that_pandas_cannot_make_end_the_self_test_and_not_the_program() -> None:
    column = Column(name="a", values=Values("str", (2,), ("x", "y")), dtype="Int64")
    with pytest.raises(SelfTestError, match="cannot be made here"):
        rows_of(Golden(columns=(column,), outputs={"predict": ANSWER}))
