"""Values of numpy and scipy that evidence is collected from."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from secureload.scan.allow.estimators import Case

__all__ = ["numpy_values", "scipy_values"]


# Functions of numbers: none of them calls what it is given, opens a file or evaluates a text.
_FUNCTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "numpy": (
            "mean median std var sum prod min max ptp clip round nan_to_num nanmean nanmedian nanstd nansum "
            "nanmin nanmax argmax argmin argsort sort cumsum diff dot where ravel reshape transpose array "
            "asarray identity zeros ones hstack vstack column_stack concatenate linspace logspace real imag "
            "percentile quantile nanpercentile nanquantile average histogram bincount digitize unique searchsorted "
            "interp cov corrcoef diag tril triu trace kron outer inner tensordot cross isin allclose array_equal "
            "squeeze expand_dims swapaxes moveaxis flip fliplr flipud roll rot90 tile repeat split array_split stack "
            "dstack atleast_1d atleast_2d atleast_3d cumprod nancumsum nanprod nanvar nanargmax nanargmin "
            "count_nonzero nonzero argwhere flatnonzero isclose iscomplex isreal zeros_like ones_like full full_like "
            "eye arange meshgrid convolve correlate gradient polyfit polyval trapezoid ediff1d setdiff1d union1d "
            "intersect1d take select choose compress extract all any fix sinc angle unwrap copy delete insert append "
            "lexsort partition argpartition"
        ),
        "numpy.linalg": (
            "norm det inv pinv solve svd eig eigh eigvals eigvalsh qr cholesky lstsq matrix_rank matrix_power "
            "cond slogdet"
        ),
        "numpy.fft": "fft ifft rfft irfft fft2 ifft2 fftfreq rfftfreq fftshift ifftshift",
    }
)


def numpy_values() -> Iterator[Case]:
    """Yield (label, value) for the arrays, scalars, generators and functions of numpy."""
    yield from _numpy_arrays()
    yield from _numpy_random()


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
    for module, names in _FUNCTIONS.items():
        namespace = importlib.import_module(module)
        for name in names.split():
            # Some releases do not have them all.
            if hasattr(namespace, name):
                yield f"function {name}", getattr(namespace, name)


def _numpy_random() -> Iterator[Case]:
    import numpy as np

    yield "RandomState", [np.random.RandomState(0), np.random.mtrand._rand]
    for name in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"):
        generator = getattr(np.random, name)(0)
        yield name, [generator, np.random.Generator(generator)]
        yield f"RandomState {name}", np.random.RandomState(generator)
    yield "SeedSequence", np.random.SeedSequence(1).spawn(1)


def scipy_values() -> Iterator[Case]:
    """Yield (label, value) for sparse matrices, interpolators, distributions and what scipy computes."""
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
            interpolate.interp1d(x, y, kind=kind)
            for kind in ("linear", "cubic", "nearest", "previous", "next", "zero", "quadratic")
            for y in (x, grid, x + 1j, np.where(x > 0.5, np.nan, x))
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
    yield from _computed()
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


def _computed() -> Iterator[Case]:
    import numpy as np
    from scipy import optimize, signal, sparse, spatial, stats

    rng = np.random.RandomState(0)
    points = rng.rand(9, 2)
    makers: dict[str, Any] = {
        "minimize": lambda: optimize.minimize(np.sum, [1.0], method="L-BFGS-B", bounds=[(0, 1)]),
        "root": lambda: [optimize.root_scalar(np.cos, bracket=(1, 2)), optimize.Bounds(0, 1)],
        "constraint": lambda: optimize.LinearConstraint([[1.0]], 0, 1),
        "rotations": lambda: [spatial.transform.Rotation.random(3, random_state=0)],
        "slerp": lambda: spatial.transform.Slerp([0, 1], spatial.transform.Rotation.random(2, random_state=0)),
        "linear systems": lambda: [signal.lti([1], [1, 2]), signal.dlti([1], [1, 2], dt=0.1)],
        "state space": lambda: signal.StateSpace(1, 1, 1, 1),
        "test results": lambda: [
            stats.ttest_ind(points[:, 0], points[:, 1]), stats.linregress(points), stats.describe(points),
            stats.pearsonr(points[:, 0], points[:, 1]), stats.spearmanr(points),
            stats.ks_2samp(points[:, 0], points[:, 1]),
        ],
        "empirical": lambda: stats.ecdf(points[:, 0]),
        "quasi-random": lambda: [stats.qmc.Sobol(2, seed=0), stats.qmc.Halton(2, seed=0)],
        "sparse of every type": lambda: [sparse.eye(3).astype(kind).tocsr() for kind in ("f4", "f8", "c16", "?", "i4")],
        "multivariate": lambda: [stats.dirichlet([1.0, 2.0]), stats.wishart(2, np.eye(2))],
        "multinomial": lambda: stats.multinomial(3, [0.5, 0.5]),
    }  # fmt: skip
    for label, make in makers.items():
        with contextlib.suppress(Exception):
            yield label, make()
