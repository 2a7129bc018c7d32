"""Plain values, arrays, sparse matrices and frames, in the files that people keep them in."""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import io
import pathlib
import pickle
import random
import tempfile
import uuid
from collections.abc import Iterator
from typing import Any

from benchmarks.corpus.sample import Sample
from benchmarks.corpus.saving import saved

__all__ = ["frame_samples", "numpy_samples", "python_samples", "scipy_samples"]

_ALL = (0, 1, 2, 3, 4, 5)


def python_samples() -> Iterator[Sample]:
    """Yield values of the standard library."""
    values: dict[str, Any] = {
        "dictionary": {"name": "model", "classes": ["a", "b"], "scores": [0.5, 1.25], "nested": {"deep": (1, None, True)}},
        "text": "naïve 模型 \U0001f600" * 20,
        "bytes": bytes(range(256)) * 4,
        "bytearray": bytearray(b"weights" * 30),
        "set": {1, 2, 3},
        "frozenset": frozenset((1, 2)),
        "large-integers": [1 << 70, -(1 << 200), 0, -1],
        "complex": [1 + 2j, -0.5j],
        "ordered": collections.OrderedDict(a=1, b=2),
        "counter": collections.Counter("mississippi"),
        "deque": collections.deque([1, 2, 3], maxlen=5),
        "defaultdict": collections.defaultdict(list, a=[1]),
        "dates": [datetime.date(2025, 1, 2), datetime.datetime(2025, 1, 2, 3, 4, 5, tzinfo=datetime.UTC), datetime.timedelta(3)],
        "decimal": decimal.Decimal("1.5"),
        "fraction": fractions.Fraction(1, 3),
        "uuid": uuid.UUID(int=7),
        "path": pathlib.PurePosixPath("models/a"),
        "range": range(3, 30, 2),
        "slice": slice(1, 9, 2),
        "random": random.Random(0),
        "recursive": _recursive(),
        "shared": [[0] * 3] * 4,
        "vocabulary": {f"word{number}": number for number in range(5_000)},
        "long-list": list(range(5_000)),
        "ellipsis": [Ellipsis, NotImplemented],
    }  # fmt: skip
    for label, value in values.items():
        yield from saved("Python", label, value, protocols=_ALL, joblibs=(0, 3))
    yield Sample("benign", "Python", "two-pickles.pkl", pickle.dumps([1]) + pickle.dumps({"a": 2}))


def _recursive() -> list[Any]:
    whole: list[Any] = [1]
    whole.append(whole)
    return whole


def numpy_samples() -> Iterator[Sample]:
    """Yield arrays of every kind as .npy, .npz, pickles and joblib files."""
    import numpy as np

    for label, array in _arrays().items():
        buffer = io.BytesIO()
        np.save(buffer, array)
        yield Sample("benign", "numpy", f"{label}.npy", buffer.getvalue())
        yield from saved("numpy", label, array, protocols=(2, 4, 5), joblibs=(0, 3, ("lz4", 0)))
    numbers = {label: array for label, array in _arrays().items() if array.dtype != object}
    for save, word in ((np.savez, "stored"), (np.savez_compressed, "deflated")):
        buffer = io.BytesIO()
        save(buffer, **{label.replace("-", "_"): array for label, array in numbers.items()})
        yield Sample("benign", "numpy", f"{word}.npz", buffer.getvalue())
    rng = np.random.default_rng(0)
    others: dict[str, Any] = {
        "scalars": [np.float64(0.5), np.int32(3), np.str_("a"), np.bool_(True), np.datetime64("2025-01-02")],
        "generator": rng,
        "philox": np.random.Generator(np.random.Philox(1)),
        "random-state": np.random.RandomState(0),
        "masked": np.ma.masked_array([1.0, 2.0, 3.0], mask=[False, True, False]),
        "dtypes": [np.dtype("f4"), np.dtype([("a", "i4"), ("b", "U3")])],
        "functions": [np.log1p, np.mean, np.linalg.norm],
        "polynomial": np.polynomial.Polynomial([1.0, 2.0]),
        "records": np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        "matrix": np.matrix([[1, 2], [3, 4]]),
        "nested": {"layers": [rng.random((20, 30)) for _ in range(5)], "bias": np.zeros(5)},
    }
    for label, value in others.items():
        yield from saved("numpy", label, value, protocols=(2, 4, 5), joblibs=(0, 3))


def _arrays() -> dict[str, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        code: (rng.random((6, 5)) * 100).astype(code)
        for code in (
            "f2",
            "f4",
            "f8",
            "i1",
            "i2",
            "i4",
            "i8",
            "u1",
            "u4",
            "u8",
            "c8",
            "c16",
            "?",
            ">f8",
            ">i4",
            "g",
        )
    }
    texts = np.empty(4, dtype=object)
    texts[:] = ["a", None, 1.5, ("b", 2)]
    return {
        **{code.replace(">", "big-").replace("?", "bool"): array for code, array in arrays.items()},
        "fortran": np.asfortranarray(rng.random((7, 3))),
        "strided": rng.random((10, 10))[::2, ::3],
        "empty": np.empty((0, 4)),
        "scalar": np.array(3.5),
        "text": np.array(["red", "green", "blue"]),
        "bytes": np.array([b"a", b"bc"]),
        "objects": texts,
        "dates": np.array(["2025-01-01", "2025-01-02"], dtype="M8[D]"),
        "spans": np.array([1, 2], dtype="m8[s]"),
        "structured": np.array([(1, 2.5, "x")], dtype=[("a", "i4"), ("b", "f8"), ("c", "U4")]),
        "large": rng.random((300, 400)),
    }


def scipy_samples() -> Iterator[Sample]:
    """Yield sparse matrices in every form, distributions, splines, trees."""
    import numpy as np
    from scipy import interpolate, sparse, spatial, stats

    rng = np.random.default_rng(0)
    dense = rng.random((20, 20)) * (rng.random((20, 20)) < 0.2)
    for form in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok"):
        for cls in ("matrix", "array"):
            value = getattr(sparse, f"{form}_{cls}")(dense)
            yield from saved("scipy", f"{form}-{cls}", value, protocols=(2, 4, 5), joblibs=(0, 3))
            if form in ("csr", "csc", "coo", "bsr", "dia") and cls == "matrix":
                buffer = io.BytesIO()
                sparse.save_npz(buffer, value)
                yield Sample("benign", "scipy", f"{form}.npz", buffer.getvalue())
    x = np.linspace(0, 1, 20)
    others: dict[str, Any] = {
        "norm": stats.norm(1, 2),
        "uniform": stats.uniform(0, 3),
        "loguniform": stats.loguniform(1e-4, 1.0),
        "randint": stats.randint(1, 9),
        "kde": stats.gaussian_kde(rng.random(30)),
        "kd-tree": spatial.cKDTree(rng.random((30, 3))),
        "spline": interpolate.CubicSpline(x, x**2),
        "interp1d": interpolate.interp1d(x, x**2),
        "univariate": interpolate.UnivariateSpline(x, x**2),
        "b-spline": interpolate.make_interp_spline(x, x**2),
        "grid": interpolate.RegularGridInterpolator((x, x), np.outer(x, x)),
    }
    for label, value in others.items():
        yield from saved("scipy", label, value, protocols=(4, 5))


def frame_samples() -> Iterator[Sample]:
    """Yield frames, series and indexes of every dtype, and frames in the compressions that pandas offers."""
    for label, value in _frames().items():
        yield from saved("pandas", label, value, protocols=(2, 4, 5), joblibs=(0, 3))
    frame = _frames()["mixed"]
    with tempfile.TemporaryDirectory() as folder:
        for extension in ("pkl", "pkl.gz", "pkl.bz2", "pkl.xz", "pkl.zip", "pkl.tar", "pkl.zst"):
            path = pathlib.Path(folder, f"frame.{extension}")
            frame.to_pickle(path)
            yield Sample("benign", "pandas", f"to-pickle.{extension}", path.read_bytes())


def _frames() -> dict[str, Any]:
    import numpy as np
    import pandas as pd

    days = pd.date_range("2025-01-01", periods=6, freq="D")
    mixed = pd.DataFrame(
        {"number": np.arange(6.0), "text": list("abcdef"), "flag": [True, False] * 3, "day": days}
    )
    return {
        "mixed": mixed,
        "numbers": pd.DataFrame(np.arange(30.0).reshape(10, 3), columns=["a", "b", "c"]),
        "categories": mixed.assign(kind=pd.Categorical(["x", "y"] * 3, ordered=True)),
        "nullable": pd.DataFrame({"a": pd.array([1, None, 3], dtype="Int64"), "b": pd.array([True, None, False], dtype="boolean")}),
        "strings": pd.DataFrame({"a": pd.array(["x", None], dtype="string")}),
        "zones": pd.DataFrame({"when": days.tz_localize("UTC"), "there": days.tz_localize("Europe/Berlin")}),
        "spans": pd.DataFrame({"span": pd.to_timedelta(range(3), unit="h")}),
        "periods": pd.DataFrame({"p": pd.period_range("2025-01", periods=3, freq="M")}),
        "intervals": pd.DataFrame({"i": pd.interval_range(0, 3)}),
        "sparse": pd.DataFrame({"s": pd.arrays.SparseArray([0, 0, 1])}),
        "two-levels": mixed.set_index(["text", "flag"]),
        "grouped": mixed.groupby("flag")["number"].mean(),
        "series": pd.Series([1.5, 2.5], index=["a", "b"], name="score"),
        "time-series": pd.Series(range(6), index=days),
        "range-index": pd.RangeIndex(10),
        "timestamp": [pd.Timestamp("2025-01-01", tz="UTC"), pd.Timedelta("1h"), pd.NaT, pd.NA],
        "offsets": [pd.offsets.MonthEnd(), pd.offsets.BDay(2)],
        "empty": pd.DataFrame(),
        "attrs": _with_attrs(mixed),
    }  # fmt: skip


def _with_attrs(frame: Any) -> Any:
    copy = frame.copy()
    copy.attrs["source"] = "survey"
    return copy
