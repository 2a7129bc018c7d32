"""A text among the data that makes a library open the file that it names."""

from __future__ import annotations

import pickle

import pandas as pd
import pytest

from secureload.pickles.assembler import Assembler

from .judged import objections


def index(maker: str, cls: str, key: str, text: str) -> bytes:
    code = (
        Assembler(2).global_(f"pandas.core.indexes.{maker.partition(':')[0]}", maker.partition(":")[2]).mark()
    )
    code = code.global_(f"pandas.core.indexes.{cls.partition(':')[0]}", cls.partition(":")[2])
    code = code.mark().text("data").mark().list_().text(key).text(text).dict_().tuple_()
    return code.reduce().stop()


@pytest.mark.parametrize(
    ("maker", "cls", "key", "text"),
    [
        ("datetimes:_new_DatetimeIndex", "datetimes:DatetimeIndex", "tz", "dateutil//a/file"),
        ("base:_new_Index", "base:Index", "dtype", "datetime64[ns, dateutil//a/file]"),
        ("base:_new_Index", "base:Index", "dtype", f"datetime64[ns, dateutil//{'a/' * 99}file]"),
    ],
)
def test_a_time_zone_whose_name_is_the_path_of_a_file(maker: str, cls: str, key: str, text: str) -> None:
    assert objections(index(maker, cls, key, text))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_indexes_that_pandas_writes_are_accepted(protocol: int) -> None:
    days = pd.date_range("2024-01-01", periods=3)
    for value in (
        days,
        days.tz_localize("UTC"),
        days[[0, 2]],
        pd.Index([1, 2]),
        pd.Index(["a", "b"]),
        pd.RangeIndex(3),
        pd.period_range("2024-01", periods=2, freq="M"),
        pd.CategoricalIndex(["a", "b"]),
        pd.IntervalIndex.from_breaks([0, 1, 2]),
        pd.MultiIndex.from_product([[1, 2], ["a", "b"]]),
    ):
        assert objections(pickle.dumps(value, protocol)) == []
