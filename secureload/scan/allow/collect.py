"""Collect evidence in one environment: which globals the pickles of its libraries use, and how."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import inspect
import io
import pickle
import pkgutil
import platform
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from secureload.pickles.trace import GlobalRef
from secureload.scan.allow import containers, estimators
from secureload.scan.allow.recorder import record

__all__ = ["collect"]

_LIBRARIES = ("scikit-learn", "numpy", "scipy", "joblib", "pandas")
_EXAMPLES = 4
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
_BASES = ("BaseEstimator", "Kernel", "BaseCrossValidator", "BaseShuffleSplit", "_CVIterableWrapper")


class _Evidence:
    """What was seen of each global: its uses and a few labels and argument shapes."""

    def __init__(self) -> None:
        self.globals: dict[str, dict[str, list[str]]] = {}

    def add(self, ref: GlobalRef, use: str, label: str, arguments: str = "") -> None:
        entry = self.globals.setdefault(str(ref), {"uses": [], "cases": [], "arguments": []})
        for key, value, most in (("uses", use, 9), ("cases", label, _EXAMPLES), ("arguments", arguments, 8)):
            if value and value not in entry[key] and len(entry[key]) < most:
                entry[key].append(value)

    def add_pickle(self, data: bytes, label: str) -> None:
        recorder = record(data)
        for ref in recorder.imports:
            self.add(ref, "import", label)
        for operation in recorder.operations:
            if isinstance(operation.target, GlobalRef) and operation.kind in ("call", "new"):
                self.add(operation.target, operation.kind, label, repr(operation.args)[:300])


def _names_in_joblib(value: Any) -> Iterator[tuple[GlobalRef, str]]:
    """Save with joblib, load the file that was just written, and yield what was resolved and built."""
    import joblib
    from joblib import numpy_pickle

    seen: list[tuple[GlobalRef, str]] = []
    found: dict[int, GlobalRef] = {}
    reader: Any = numpy_pickle.NumpyUnpickler

    class Watching(reader):  # type: ignore[misc]  # joblib has no types
        dispatch = dict(reader.dispatch)  # noqa: RUF012  # ClassVar would hide the base's

        def find_class(self, module: str, name: str) -> Any:
            item = super().find_class(module, name)
            found[id(item)] = GlobalRef(module, name)
            seen.append((GlobalRef(module, name), "import"))
            return item

    for opcode, use in ((pickle.REDUCE, "call"), (pickle.NEWOBJ, "new")):

        def watch(self: Any, opcode: bytes = opcode, use: str = use) -> None:
            ref = found.get(id(self.stack[-2]))
            if ref is not None:
                seen.append((ref, use))
            reader.dispatch[opcode[0]](self)

        Watching.dispatch[opcode[0]] = watch
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.joblib"
        joblib.dump(value, path)
        numpy_pickle.NumpyUnpickler = Watching
        try:
            joblib.load(path)
        finally:
            numpy_pickle.NumpyUnpickler = reader
    yield from seen


def _dump(value: Any, protocol: int) -> bytes:
    buffer = io.BytesIO()
    pickle.Pickler(buffer, protocol).dump(value)
    return buffer.getvalue()


def _add_case(evidence: _Evidence, label: str, value: Any, *, thorough: bool) -> None:
    for protocol in range(6) if thorough else (0, 2, 5):
        try:
            evidence.add_pickle(_dump(value, protocol), label)
        except Exception:
            # What one protocol or one item cannot express must not hide the others.
            if isinstance(value, list) and protocol == 5:
                for item in value:
                    _add_case(evidence, label, item, thorough=False)
    if thorough:
        with contextlib.suppress(Exception):
            for ref, use in _names_in_joblib(value):
                evidence.add(ref, use, f"{label}, joblib")


def _listed_classes() -> Iterator[GlobalRef]:
    """Yield the estimators, kernels, splitters and parts of models that this scikit-learn defines."""
    import sklearn

    for info in pkgutil.walk_packages(sklearn.__path__, "sklearn.", onerror=lambda name: None):
        if any(
            part in info.name for part in (".tests", ".externals", ".datasets", ".conftest", "._build_utils")
        ):
            continue
        try:
            module = importlib.import_module(info.name)
        except Exception:  # noqa: S112  # optional parts of scikit-learn need other libraries
            continue
        for name in vars(module) if info.name in _PARTS_OF_MODELS else ():
            if name.startswith("__pyx_unpickle_") or name == "newObj":
                yield GlobalRef(info.name, name)
        for name, cls in inspect.getmembers(module, inspect.isclass):
            if cls.__module__ != info.name or issubclass(cls, Exception):
                continue
            bases = {base.__name__ for base in cls.__mro__}
            if bases.intersection(_BASES) or info.name in _PARTS_OF_MODELS:
                yield GlobalRef(info.name, name)


def _listed_functions() -> Iterator[GlobalRef]:
    """Yield the numeric functions that models refer to: metrics, distances, kernels, scores of features."""
    from sklearn import feature_selection, metrics

    for module in (metrics, metrics.pairwise, feature_selection):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.endswith(_NUMERIC_SUFFIXES) and function.__module__.startswith("sklearn."):
                yield GlobalRef(function.__module__, function.__qualname__)


def _listed_distributions() -> Iterator[GlobalRef]:
    """Yield the classes of scipy's distributions, which randomized searches are given."""
    from scipy import stats

    for distribution in vars(stats).values():
        if isinstance(distribution, stats.rv_continuous | stats.rv_discrete):
            yield GlobalRef(type(distribution).__module__, type(distribution).__qualname__)


def _listed() -> list[str]:
    return sorted(
        {*map(str, _listed_classes()), *map(str, _listed_functions()), *map(str, _listed_distributions())}
    )


def collect() -> dict[str, Any]:
    """Return the evidence of this environment as JSON data: its releases, globals in use, classes listed."""
    warnings.simplefilter("ignore")
    evidence = _Evidence()
    for label, value in containers.containers():
        _add_case(evidence, label, value, thorough=True)
    for label, value in estimators.compositions():
        _add_case(evidence, label, value, thorough=True)
    for is_base, label, value in estimators.estimators():
        _add_case(evidence, label, value, thorough=is_base)
    releases = {"python": platform.python_version()}
    for library in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            releases[library] = importlib.metadata.version(library)
    return {
        "releases": releases,
        "globals": evidence.globals,
        "listed": _listed(),
    }
