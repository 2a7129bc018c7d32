"""polars' frames and series arrive."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import pytest

from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.wire.errors import Unencodable, WireValueError
from secureload.sandbox.wire.values import Decoder, Encoder

from .crossing import crossed

pl = pytest.importorskip("polars", reason="polars is not installed (the extra 'libraries' has it)")

NOON = datetime.datetime(2024, 1, 15, 12)
SERIES = [
    pl.Series("a", [1, None], dtype=pl.Int16), pl.Series("a", [1.5, 2.5]), pl.Series("a", [True, None]),
    pl.Series("a", [1.5, None], dtype=pl.Float32), pl.Series("a", ["x", None]), pl.Series("a", [b"x", None]),
    pl.Series("a", [datetime.date(2024, 1, 15), None]), pl.Series("a", [datetime.time(1, 2), None]),
    pl.Series("a", [NOON, None]), pl.Series("a", [NOON]).dt.replace_time_zone("Europe/Berlin"),
    pl.Series("a", [NOON]).dt.cast_time_unit("ns"), pl.Series("a", [datetime.timedelta(1), None]),
    pl.Series("a", ["x", "y"], dtype=pl.Enum(["x", "y"])), pl.Series("a", ["x", None], dtype=pl.Categorical),
    pl.Series("a", [decimal.Decimal("1.5"), None]), pl.Series("a", [[1], [2, 3], None]),
    pl.Series("a", [{"a": 1, "b": "x"}]), pl.Series("a", [[1, 2]], dtype=pl.Array(pl.Int8, 2)),
    pl.Series("a", [None, None]), pl.Series("a", [], dtype=pl.String),
]  # fmt: skip


@pytest.mark.parametrize("series", SERIES, ids=lambda series: str(series.dtype))
def test_a_series_of_polars_arrives_alone_and_in_a_frame(series: Any) -> None:
    found = crossed(series)
    assert found.dtype == series.dtype
    assert found.equals(series, check_names=True, null_equal=True)
    frame = crossed(series.to_frame())
    assert frame.schema == series.to_frame().schema
    assert frame.equals(series.to_frame())


def test_a_query_is_refused_with_what_to_do() -> None:
    with pytest.raises(Unencodable, match="LazyFrame") as caught:
        Encoder(DEFAULT_LIMITS).encode(pl.LazyFrame({"a": [1]}))
    assert ".collect()" in caught.value.hint


INTS = ["a", "<i8", [1], False, 0]


@pytest.mark.parametrize(
    "tree",
    [
        ["pl", 5, 0], ["pl", [["a", ["Int64"], INTS, None]], 7], ["pls", 5, ["Int64"], INTS, None],
        ["pls", "a", ["Object"], [1], None], ["pls", "a", ["Int64"], INTS, INTS], ["pls", "a", ["Int64"], 5, None],
        ["pls", "a", ["Datetime", "ns", "x" * 65], INTS, None], ["pls", "a", ["String"], [5], None],
    ],
    ids=repr,
)  # fmt: skip
def test_a_forged_series_is_a_wire_error(tree: Any) -> None:
    with pytest.raises(WireValueError):
        Decoder((bytes(8),), DEFAULT_LIMITS).decode(tree)
