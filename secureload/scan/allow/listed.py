"""Classes and functions that a library defines as parts of models, whether a case reaches them or not.

A list made from the models of one release alone would refuse what the next person fits: these are found by
walking the public and private modules of the library.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import MappingProxyType, ModuleType
from typing import Any, Final

from secureload.pickles.trace import GlobalRef

__all__ = ["LISTED", "listed"]

# Modules whose every class is a part of fitted models, whether it can be reached from the cases or not.
_PARTS_OF_MODELS = (
    "sklearn._loss._loss",
    "sklearn._loss.link",
    "sklearn._loss.loss",
    "sklearn.cluster._bisect_k_means",
    "sklearn.ensemble._hist_gradient_boosting.predictor",
    "sklearn.linear_model._sgd_fast",
    "sklearn.metrics._dist_metrics",
    "sklearn.metrics._scorer",
    "sklearn.neighbors._ball_tree",
    "sklearn.neighbors._kd_tree",
    "sklearn.neighbors._quad_tree",
    "sklearn.tree._criterion",
    "sklearn.tree._splitter",
    "sklearn.tree._tree",
)
_NUMERIC_SUFFIXES = (
    *("_score", "_loss", "_error", "_deviance", "_distances", "_kernel", "_similarity", "_coef", "_classif"),
    *("_regression", "chi2", "_oneway", "auc", "accuracy_score"),
)
_SKLEARN_BASES = ("BaseEstimator", "Kernel", "BaseCrossValidator", "BaseShuffleSplit", "_CVIterableWrapper")
_NOT_WALKED = ("tests", "externals", "datasets", "conftest", "_build_utils", "testing", "_testing", "sandbox",
               "examples", "tools", "io", "iolib", "graphics", "plots", "plotting", "dask", "spark", "widget",
               "_mocking", "benchmarks", "f2py", "distutils", "_pyinstaller", "setup", "cpp_extension")  # fmt: skip


def _modules(root: str) -> Iterator[ModuleType]:
    """Import the package and every module below it that can be imported here, and yield them."""
    with suppress(Exception):
        package = importlib.import_module(root)
        yield package
        for info in pkgutil.iter_modules(getattr(package, "__path__", ())):
            if info.name not in _NOT_WALKED and not info.name.startswith("test"):
                yield from _modules(f"{root}.{info.name}")


def _classes(root: str, wanted: Callable[[type], bool]) -> Iterator[GlobalRef]:
    for module in _modules(root):
        for name, cls in inspect.getmembers(module, inspect.isclass):
            if cls.__module__ == module.__name__ and not issubclass(cls, BaseException) and wanted(cls):
                yield GlobalRef(module.__name__, name)


def _derives(*bases: str) -> Callable[[type], bool]:
    """Whether a class has a base of one of these names, or is it."""
    return lambda cls: not {base.__name__ for base in cls.__mro__}.isdisjoint(bases)


def _defined_in(module: str) -> Callable[[type], bool]:
    return lambda cls: cls.__module__ == module


def _sklearn() -> Iterator[GlobalRef]:
    yield from _classes(
        "sklearn", lambda cls: cls.__module__ in _PARTS_OF_MODELS or _derives(*_SKLEARN_BASES)(cls)
    )
    for module in _PARTS_OF_MODELS:
        with suppress(ImportError):
            for name in vars(importlib.import_module(module)):
                if name.startswith("__pyx_unpickle_") or name == "newObj":
                    yield GlobalRef(module, name)
    from sklearn import feature_selection, metrics

    for namespace in (metrics, metrics.pairwise, feature_selection):
        for name, function in inspect.getmembers(namespace, inspect.isfunction):
            if name.endswith(_NUMERIC_SUFFIXES) and function.__module__.startswith("sklearn."):
                yield GlobalRef(function.__module__, function.__qualname__)


def _scipy() -> Iterator[GlobalRef]:
    """Yield the distributions, which searches are given, and the classes of what scipy computes."""
    from scipy import stats

    for distribution in vars(stats).values():
        if isinstance(distribution, stats.rv_continuous | stats.rv_discrete):
            yield GlobalRef(type(distribution).__module__, type(distribution).__qualname__)
    for root in ("interpolate", "sparse", "spatial", "optimize", "signal"):
        namespace = importlib.import_module(f"scipy.{root}")
        for name in namespace.__all__:
            cls = getattr(namespace, name, None)
            if isinstance(cls, type) and not issubclass(cls, BaseException):
                yield GlobalRef(cls.__module__, cls.__qualname__)


def _numpy() -> Iterator[GlobalRef]:
    import numpy as np

    for name, cls in inspect.getmembers(np, inspect.isclass):
        if issubclass(cls, np.generic):
            yield GlobalRef(cls.__module__, name)
    with suppress(ImportError):
        from numpy import dtypes

        yield from (GlobalRef("numpy.dtypes", name) for name in dtypes.__all__)
    yield from (
        GlobalRef("numpy.random.mtrand", "RandomState"),
        GlobalRef("numpy.random._generator", "Generator"),
    )
    for module in ("numpy.core", "numpy._core"):
        with suppress(ImportError):
            importlib.import_module(module)
            yield GlobalRef(module, "_ufunc_reconstruct")  # what old releases call to find a ufunc
    for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"):
        yield GlobalRef(f"numpy.random._{name.lower().replace('dxsm', '')}", name)


def _pandas() -> Iterator[GlobalRef]:
    import pandas as pd

    for namespace in (pd, pd.arrays, pd.tseries.offsets):
        for _, cls in inspect.getmembers(namespace, inspect.isclass):
            bases = {base.__name__ for base in cls.__mro__}
            if bases & {"ExtensionDtype", "ExtensionArray", "NDFrame", "Index", "BaseOffset", "_Timestamp"}:
                yield GlobalRef(cls.__module__, cls.__qualname__)


def _imblearn() -> Iterator[GlobalRef]:
    yield from _classes("imblearn", _derives("BaseEstimator"))


def _xgboost() -> Iterator[GlobalRef]:
    yield from _classes("xgboost", _derives("XGBModel", "Booster", "TrainingCallback", "XGBoostLabelEncoder"))


def _lightgbm() -> Iterator[GlobalRef]:
    yield from _classes(
        "lightgbm", lambda cls: _derives("LGBMModel", "Booster")(cls) or "Callback" in cls.__name__
    )


def _catboost() -> Iterator[GlobalRef]:
    yield from _classes("catboost", _derives("_CatBoostBase"))


def _statsmodels() -> Iterator[GlobalRef]:
    bases = ("Model", "Results", "ResultsWrapper", "ModelData", "Family", "Link", "VarianceFunction", "Kernel",
             "CovStruct", "DeterministicTerm", "RobustNorm", "Cumulative")  # fmt: skip
    yield from _classes("statsmodels", _derives(*bases))
    for name in (
        "_initialization",
        "_kalman_filter",
        "_kalman_smoother",
        "_representation",
        "_simulation_smoother",
    ):
        module = f"statsmodels.tsa.statespace.{name}"
        yield from _classes(module, _defined_in(module))


def _torch() -> Iterator[GlobalRef]:
    import torch

    yield from _classes("torch.nn.modules", _derives("Module"))
    yield from _classes("torch.ao.nn", _derives("Module"))
    yield from _classes("torch.nn.utils.parametrizations", _derives("Module"))
    yield from _classes("torch.nn.utils.parametrize", _derives("Module"))
    yield from _classes("torch.optim", _derives("Optimizer", "LRScheduler"))
    for name, value in sorted(vars(torch).items()):
        is_storage = isinstance(value, type) and name.endswith("Storage")
        if is_storage or isinstance(value, torch.dtype | torch.layout | torch.memory_format | torch.qscheme):
            yield GlobalRef("torch", name)
    with suppress(ImportError):
        yield from _weights_only()


def _weights_only() -> Iterator[GlobalRef]:
    """Yield what torch itself loads with ``weights_only=True``."""
    from torch import _weights_only_unpickler as unpickler

    for full_name in unpickler._get_allowed_globals():
        module, _, name = full_name.rpartition(".")
        if module.startswith("torch"):
            yield GlobalRef(module, name)


LISTED: Final[MappingProxyType[str, Callable[[], Iterator[GlobalRef]]]] = MappingProxyType(
    {
        "catboost": _catboost,
        "imbalanced-learn": _imblearn,
        "lightgbm": _lightgbm,
        "numpy": _numpy,
        "pandas": _pandas,
        "scikit-learn": _sklearn,
        "scipy": _scipy,
        "statsmodels": _statsmodels,
        "torch": _torch,
        "xgboost": _xgboost,
    }
)


def listed(library: str) -> set[GlobalRef]:
    """Return the parts of models that the installed release of ``library`` defines."""
    found: set[GlobalRef] = set()
    for ref in LISTED[library]() if library in LISTED else ():
        with suppress(Exception):
            item: Any = importlib.import_module(ref.module)
            for part in ref.name.split("."):
                item = getattr(item, part)
            found.add(ref)
    return found
