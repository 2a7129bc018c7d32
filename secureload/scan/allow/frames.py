"""Values of pandas that evidence is collected from."""

from __future__ import annotations

import contextlib
import datetime
import zoneinfo
from collections.abc import Callable, Iterator
from typing import Any

from secureload.scan.allow.estimators import Case

__all__ = ["pandas_values"]

_DTYPES = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64", "boolean",
           "string", "string[python]", "string[pyarrow]", "str", "category", "datetime64[ns, UTC]", "datetime64[s]",
           "timedelta64[ns]", "period[M]", "interval[float64]", "Sparse[float]", "int64[pyarrow]", "double[pyarrow]",
           "string[pyarrow_numpy]", "bool[pyarrow]", "timestamp[ns][pyarrow]", "object")  # fmt: skip
_ZONES = ("UTC", "Europe/Berlin", "US/Eastern", "Asia/Kolkata")


def pandas_values() -> Iterator[Case]:
    """Yield (label, value): frames, series, every index, every dtype, time zones of each kind, offsets."""
    import pandas as pd

    yield from _frames()
    for dtype in _DTYPES:
        with contextlib.suppress(Exception):
            empty = pd.Series([None, None], dtype=dtype)
            yield (
                f"Series {dtype}",
                [empty, empty.dtype, empty.array, pd.DataFrame({"a": empty}), pd.Index(empty)],
            )
    for make in (_arrow, _indexes, _zones, _offsets, _scalars):
        yield from make()


def _frames() -> Iterator[Case]:
    import pandas as pd

    frame = pd.DataFrame({"n": [1, 2], "f": [0.5, 1.5], "s": ["a", "b"], "b": [True, False]})
    frame["when"] = pd.to_datetime(["2024-01-15", "2024-01-16"])
    frame["kind"] = pd.Categorical(["x", "y"])
    yield "DataFrame", [frame, frame.dtypes, frame["s"], frame["when"], frame["kind"], frame.to_dict()]
    for label, column in frame.items():
        yield f"Series {label}", [column, column.array, column.to_numpy()]
    yield "DataFrame without rows", [frame.iloc[:0], pd.DataFrame(), pd.Series(dtype=float)]
    yield "DataFrame with an index", [frame.set_index("n"), frame.set_index(["s", "n"]), frame.T]
    yield "DataFrame with attributes", _with_attributes(frame.copy())
    yield "nullable", frame.convert_dtypes()
    yield "ordered categories", pd.Categorical(["x", "y"], categories=["y", "x"], ordered=True)
    yield "nested", {"frame": frame, "columns": frame.columns, "mean": frame["f"].mean()}
    with contextlib.suppress(Exception):
        yield "arrow-backed", [frame.convert_dtypes(dtype_backend="pyarrow")]
    yield "sparse", [pd.Series(pd.arrays.SparseArray([0, 0, 1])), pd.arrays.SparseArray([0.5], kind="block")]


def _with_attributes(frame: Any) -> Any:
    frame.attrs["source"] = "a test"
    return frame


def _arrow() -> Iterator[Case]:
    import pandas as pd

    with contextlib.suppress(Exception):
        import pyarrow as pa

        for dtype in (pa.int32(), pa.float32(), pa.string(), pa.large_string(), pa.date32(), pa.bool_(),
                      pa.timestamp("us", "UTC"), pa.decimal128(10, 2), pa.list_(pa.int64()), pa.duration("s"),
                      pa.struct([("a", pa.int64())]), pa.dictionary(pa.int32(), pa.string()), pa.binary(),
                      pa.int8(), pa.int16(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(), pa.float16(),
                      pa.date64(),
                      pa.time32("s"), pa.time64("ns"), pa.large_binary(), pa.large_list(pa.int64()), pa.binary(4),
                      pa.map_(pa.string(), pa.int64()), pa.decimal256(40, 2), pa.null(), pa.timestamp("ns"),
                      pa.list_(pa.int64(), 2)):  # fmt: skip
            with contextlib.suppress(Exception):
                yield f"arrow {dtype}", pd.Series([None, None], dtype=pd.ArrowDtype(dtype))


def _indexes() -> Iterator[Case]:
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame({"a": [1]})
    makers: dict[str, Callable[[], Any]] = {
        "Index": lambda: [frame.columns, frame.index, pd.Index([1.5]), pd.Index(["a"]), pd.Index([1, 2])],
        "DatetimeIndex": lambda: [pd.date_range("2024-01-15", periods=2), pd.DatetimeIndex(["2024-01-15"])],
        "TimedeltaIndex": lambda: [pd.to_timedelta(["1h"]), pd.timedelta_range("1h", periods=2)],
        "PeriodIndex": lambda: pd.period_range("2024-01", periods=2),
        "MultiIndex": lambda: [pd.MultiIndex.from_tuples([(1, "a")]), pd.MultiIndex.from_product([[1], ["a"]])],
        "CategoricalIndex": lambda: pd.CategoricalIndex(["a"]),
        "IntervalIndex": lambda: [pd.IntervalIndex([]), pd.interval_range(0, 2)],
        "intervals of floats": lambda: pd.IntervalIndex.from_breaks([0.0, 1]),
        "RangeIndex": lambda: pd.RangeIndex(3),
        "interval": lambda: pd.cut(np.arange(5.0), 2),
        "dates in an interval": lambda: pd.interval_range(pd.Timestamp("2024-01-15"), periods=2),
        "index of objects": lambda: pd.Index([1, "a", None], dtype=object),
    }  # fmt: skip
    for label, make in makers.items():
        with contextlib.suppress(Exception):
            yield label, make()


def _zones() -> Iterator[Case]:
    import pandas as pd

    kinds: list[Any] = [*_ZONES, datetime.UTC, datetime.timezone(datetime.timedelta(hours=2))]
    with contextlib.suppress(Exception):
        kinds += [zoneinfo.ZoneInfo(name) for name in _ZONES]
    with contextlib.suppress(ImportError):
        import pytz

        kinds += [pytz.timezone(name) for name in _ZONES] + [pytz.UTC, pytz.FixedOffset(60)]
    with contextlib.suppress(ImportError):
        from dateutil import tz

        kinds += [tz.tzutc(), tz.tzoffset("a", 3600), tz.gettz("Europe/Berlin")]
    for zone in kinds:
        with contextlib.suppress(Exception):
            dates = pd.date_range("2024-01-15", periods=2, tz=zone)
            yield (
                f"time zone {zone!r}",
                [
                    dates,
                    dates.to_series(),
                    dates[0],
                    pd.DataFrame({"when": dates}),
                    dates.dtype,
                    dates[0].tzinfo,
                ],
            )


def _offsets() -> Iterator[Case]:
    import pandas as pd

    for name in sorted(vars(pd.tseries.offsets)):
        cls = getattr(pd.tseries.offsets, name)
        if isinstance(cls, type) and name != "BaseOffset":
            with contextlib.suppress(Exception):
                yield f"offset {name}", [cls(), cls(2)]
            with contextlib.suppress(Exception):
                yield f"dates by {name}", pd.date_range("2024-01-15", periods=3, freq=cls())


def _scalars() -> Iterator[Case]:
    import pandas as pd

    yield (
        "scalars",
        [pd.Timestamp("2024-01-15"), pd.Timestamp("2024-01-15", tz="UTC"), pd.Timedelta(1), pd.NaT, pd.NA],
    )
    yield "period", [pd.Period("2024-01"), pd.period_range("2024-01", periods=2), pd.Interval(0, 1)]
    yield "named aggregation", pd.NamedAgg("a", "mean")
