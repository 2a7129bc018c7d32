"""Containers of numpy, scipy, pandas and the standard library that evidence is collected from."""

from __future__ import annotations

import collections
import contextlib
import datetime
import decimal
import fractions
import functools
import pathlib
import re
import uuid
from collections.abc import Iterator
from typing import Any

from secureload.scan.allow.estimators import Case

__all__ = ["containers"]


def containers() -> Iterator[Case]:
    """Yield (label, value) for what is saved beside models."""
    yield from _standard_library()
    yield from _numpy_arrays()
    yield from _numpy_random()
    yield from _scipy()
    with contextlib.suppress(ImportError):
        yield from _pandas()


def _standard_library() -> Iterator[Case]:
    day = datetime.datetime(2024, 1, 15, 12, tzinfo=datetime.UTC)
    yield "datetime", [day, day.date(), day.timetz(), datetime.timedelta(1), day.replace(tzinfo=None)]
    yield "timezone", datetime.timezone(datetime.timedelta(hours=1), "CET")
    yield "collections", [collections.OrderedDict(a=1), collections.Counter("aab"), collections.deque([1], 3)]
    for factory in (int, float, list, dict, set, str, tuple, None):
        yield f"defaultdict({factory})", collections.defaultdict(factory, a=factory() if factory else 0)
    yield "numbers", [decimal.Decimal("1.5"), fractions.Fraction(1, 3), complex(1, 2), 1 << 70, -(1 << 40)]
    yield (
        "builtins",
        [{1}, frozenset({2}), bytearray(b"ab"), b"", b"\xff", slice(1, 2, 3), range(4), Ellipsis],
    )
    yield "uuid", uuid.UUID(int=5)
    yield "path", [pathlib.PurePosixPath("a/b"), pathlib.PurePath("a"), pathlib.Path("a")]
    yield "regular expression", re.compile("a+", re.IGNORECASE)
    yield "partial", functools.partial(round, ndigits=2)
    yield "types as values", [int, float, str, bool, list, dict, object, type(None), NotImplemented]


def _numpy_arrays() -> Iterator[Case]:
    import numpy as np

    codes = [
        "?",
        "i1",
        "u1",
        "i2",
        "u2",
        "i4",
        "u4",
        "i8",
        "u8",
        "f2",
        "f4",
        "f8",
        "c8",
        "c16",
        "S3",
        "U3",
        "O",
    ]
    for code in [*codes, "M8[D]", "m8[ns]", "V4", ">f8", "g"]:
        array = np.zeros((2, 3), dtype=code)
        yield f"ndarray {code}", [array, np.asfortranarray(array), array[:, 1], array.dtype]
        yield f"scalar {code}", array[0, 0]
    structured = np.dtype([("a", "f8"), ("b", "i4", (2,)), ("c", "S2")])
    yield "structured", [np.zeros(3, structured), np.zeros(3, structured)[0], structured]
    yield "record array", [np.rec.array([(1, 2.0)], dtype=[("x", int), ("y", float)])]
    yield "masked", [np.ma.array([1, 2], mask=[False, True]), np.ma.masked, np.ma.array([1.5], fill_value=3)]
    yield "matrix", np.asmatrix([[1.0]])
    yield "character array", np.char.array(["a", "b"])
    yield "polynomial", [np.polynomial.Polynomial([1, 2]), np.polynomial.Chebyshev([1]), np.poly1d([1, 2])]
    yield (
        "polynomials",
        [getattr(np.polynomial, n)([1, 2]) for n in ("Legendre", "Laguerre", "Hermite", "HermiteE")],
    )
    yield (
        "types",
        [np.float64, np.float32, np.int64, np.int32, np.bool_, np.uint8, np.ndarray, np.str_, np.generic],
    )
    for name in sorted(vars(np)):
        if isinstance(getattr(np, name), np.ufunc) and name not in {"frompyfunc"}:
            yield f"ufunc {name}", getattr(np, name)
    reductions = (
        "mean median std var sum prod min max ptp clip round nan_to_num nanmean nanmedian nanstd nansum "
        "nanmin nanmax argmax argmin argsort sort cumsum diff dot where ravel reshape transpose array "
        "asarray identity zeros ones hstack vstack column_stack concatenate linspace logspace real imag"
    )
    for name in reductions.split():
        yield f"function {name}", getattr(np, name)


def _numpy_random() -> Iterator[Case]:
    import numpy as np

    yield "RandomState", [np.random.RandomState(0), np.random.mtrand._rand]
    for name in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"):
        generator = getattr(np.random, name)(0)
        yield name, [generator, np.random.Generator(generator)]
        yield f"RandomState {name}", np.random.RandomState(generator)
    yield "SeedSequence", np.random.SeedSequence(1).spawn(1)


def _scipy() -> Iterator[Case]:
    import numpy as np
    from scipy import interpolate, sparse, spatial, special, stats

    dense = np.eye(3)
    for layout in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok"):
        for kind in ("matrix", "array"):
            yield f"{layout}_{kind}", getattr(sparse, f"{layout}_{kind}")(dense)
    x = np.linspace(0, 1, 8)
    grid = np.outer(x, x)
    makers: dict[str, Any] = {
        "interp1d": lambda: [
            interpolate.interp1d(x, x, kind=kind) for kind in ("linear", "cubic", "nearest")
        ],
        "splines": lambda: [interpolate.CubicSpline(x, x), interpolate.PchipInterpolator(x, x)],
        "more splines": lambda: [interpolate.Akima1DInterpolator(x, x), interpolate.make_interp_spline(x, x)],
        "FITPACK": lambda: [
            interpolate.UnivariateSpline(x, x),
            interpolate.InterpolatedUnivariateSpline(x, x),
        ],
        "FITPACK 2": lambda: [
            interpolate.LSQUnivariateSpline(x, x, [0.5]),
            interpolate.RectBivariateSpline(x, x, grid),
        ],
        "polynomials": lambda: [interpolate.PPoly([[1.0]], [0, 1]), interpolate.BPoly([[1.0]], [0, 1])],
        "grid": lambda: [
            interpolate.RegularGridInterpolator((x, x), grid),
            interpolate.RBFInterpolator(grid[:, :2], x),
        ],
        "nearest": lambda: interpolate.NearestNDInterpolator(
            np.random.RandomState(0).rand(9, 2), np.arange(9)
        ),
        "barycentric": lambda: [
            interpolate.BarycentricInterpolator(x, x),
            interpolate.KroghInterpolator(x, x),
        ],
        "KDTree": lambda: [spatial.KDTree(grid), spatial.cKDTree(grid)],
        "Rotation": lambda: spatial.transform.Rotation.identity(),
        "kernel density": lambda: stats.gaussian_kde(x**2),
        "special": lambda: [
            special.expit,
            special.logit,
            special.gammaln,
            special.erf,
            special.boxcox,
            special.logsumexp,
        ],
    }
    for label, make in makers.items():
        with contextlib.suppress(Exception):
            yield label, make()
    arguments: dict[str, tuple[Any, ...]] = {
        **dict.fromkeys(("norm", "expon", "laplace", "logistic", "cauchy", "halfnorm"), ()),
        **dict.fromkeys(("uniform", "loguniform", "reciprocal", "randint", "beta", "truncnorm"), (1, 2)),
        **dict.fromkeys(("gamma", "poisson", "lognorm", "t", "chi2", "weibull_min", "pareto"), (2.0,)),
        **dict.fromkeys(("geom", "triang", "bernoulli"), (0.5,)),
        "binom": (4, 0.5),
    }
    for name, values in arguments.items():
        yield f"frozen {name}", getattr(stats, name)(*values)
    yield "multivariate normal", stats.multivariate_normal(np.zeros(2))


def _pandas() -> Iterator[Case]:
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame({"n": [1, 2], "f": [0.5, 1.5], "s": ["a", "b"], "b": [True, False]})
    frame["when"] = pd.to_datetime(["2024-01-15", "2024-01-16"])
    frame["kind"] = pd.Categorical(["x", "y"])
    yield "DataFrame", [frame, frame.dtypes, frame["s"], frame["when"], frame["kind"], frame.to_dict()]
    yield (
        "Index",
        [
            frame.columns,
            frame.index,
            pd.Index([1.5]),
            pd.Index(["a"]),
            pd.date_range("2024-01-15", periods=2),
        ],
    )
    yield (
        "more indexes",
        [pd.MultiIndex.from_tuples([(1, "a")]), pd.CategoricalIndex(["a"]), pd.IntervalIndex([])],
    )
    yield "interval", pd.cut(np.arange(5.0), 2)
    yield (
        "scalars",
        [pd.Timestamp("2024-01-15"), pd.Timestamp("2024-01-15", tz="UTC"), pd.Timedelta(1), pd.NaT, pd.NA],
    )
    yield "period", [pd.Period("2024-01"), pd.period_range("2024-01", periods=2), pd.Interval(0, 1)]
    for dtype in (
        "Int64",
        "Float64",
        "boolean",
        "string",
        "category",
        "datetime64[ns, UTC]",
        "timedelta64[ns]",
    ):
        with contextlib.suppress(Exception):
            yield f"Series {dtype}", pd.Series([None, None], dtype=dtype)
    yield "sparse", pd.Series(pd.arrays.SparseArray([0, 0, 1]))
