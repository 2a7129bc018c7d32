"""Fitted scikit-learn models that evidence is collected from: every estimator with every named option."""

from __future__ import annotations

import contextlib
import signal
import warnings
from collections.abc import Iterator
from itertools import islice
from types import FrameType
from typing import Any

__all__ = ["Case", "compositions", "estimators", "training_sets"]

# A case is a label and a picklable value.
Case = tuple[str, Any]

_FIT_SECONDS = 20
_OPTIONS_PER_PARAMETER = 40
_SMALL = {
    "n_estimators": 3, "max_iter": 4, "n_components": 2, "n_clusters": 2, "cv": 2, "n_iter": 3, "n_splits": 2,
    "n_quantiles": 20, "n_jobs": None, "degree": 2, "n_init": 1, "min_samples": 5, "n_features": 16,
}  # fmt: skip
_DOCUMENTS = ["red apple pie", "green apple tart", "blue sky over red land", "a pie in the sky"] * 5


class _SlowFitError(Exception):
    pass


@contextlib.contextmanager
def _time_limit() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise _SlowFitError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(_FIT_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def training_sets() -> list[tuple[str, tuple[Any, ...]]]:
    """Return (name, what is given to ``fit``) of each: an estimator is fitted on those that it accepts."""
    import numpy as np

    rng = np.random.RandomState(0)
    x = rng.rand(40, 4) + 0.1
    classes = np.arange(40) % 3
    target = x[:, 0] * 3 + x[:, 1] + 0.1
    counts = np.round(x * 5)
    return [
        ("three classes", (x, classes)),
        ("two classes", (x, np.array(["no", "yes"])[classes % 2])),
        ("regression", (x, target)),
        ("several targets", (x, np.column_stack([target, target * 2]))),
        ("several labels", (x, np.column_stack([classes % 2, (classes + 1) % 2]))),
        ("counts", (counts, classes)),
        ("one column", (x[:, 0], target)),
        ("a square matrix", (x @ x.T, classes)),
        ("text", (_DOCUMENTS, classes[:20])),
        ("dictionaries", ([{"a": 1.0, "b": "x"}, {"b": "y"}] * 10,)),
        ("hashed features", ([{"a": 1, "b": 2}] * 10,)),
        ("labels", (classes,)),
        ("label sets", ([(1, 2), (3,)] * 5,)),
    ]


def _fit(make: Any, arguments: dict[str, Any], sets: list[tuple[str, tuple[Any, ...]]]) -> Iterator[Case]:
    for label, data in sets:
        try:
            model = make(**arguments)
            small = {key: value for key, value in _SMALL.items() if key in model.get_params(deep=False)}
            with _time_limit():
                model.set_params(**{key: value for key, value in small.items() if key not in arguments})
                model.fit(*data)
        except Exception:  # noqa: S112  # most estimators accept some of the training sets only
            continue
        yield label, model


def _required(name: str) -> list[dict[str, Any]]:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.preprocessing import StandardScaler

    some = {
        "estimators": [("a", LogisticRegression()), ("b", LinearDiscriminantAnalysis())],
        "regressors": [("a", Ridge()), ("b", Ridge(2.0))],
    }
    columns = [("a", StandardScaler(), [0, 1]), ("b", "passthrough", slice(2, 4))]
    grid = {"C": [1.0, 2.0, 3.0]}
    fallback = [{"estimator": LogisticRegression()}, {"estimator": Ridge()}, {"base_estimator": Ridge()}]
    return {
        "ColumnTransformer": [{"transformers": columns, "remainder": StandardScaler()}],
        "FeatureUnion": [{"transformer_list": [("a", StandardScaler()), ("b", "passthrough")]}],
        "Pipeline": [{"steps": [("a", StandardScaler()), ("b", LogisticRegression())]}],
        "GridSearchCV": [{"estimator": LogisticRegression(), "param_grid": {"C": [1.0, 2.0]}}],
        "HalvingGridSearchCV": [{"estimator": LogisticRegression(), "param_grid": {"C": [1.0, 2.0]}}],
        "RandomizedSearchCV": [{"estimator": LogisticRegression(), "param_distributions": grid}],
        "HalvingRandomSearchCV": [{"estimator": LogisticRegression(), "param_distributions": grid}],
        "VotingClassifier": [{"estimators": some["estimators"]}],
        "StackingClassifier": [{"estimators": some["estimators"]}],
        "VotingRegressor": [{"estimators": some["regressors"]}],
        "StackingRegressor": [{"estimators": some["regressors"]}],
        "SparseCoder": [{"dictionary": __import__("numpy").eye(4)}],
        "FixedThresholdClassifier": [{"estimator": LogisticRegression()}],
    }.get(name, fallback)


def _options(cls: Any) -> Iterator[tuple[str, Any]]:
    for parameter, constraints in getattr(cls, "_parameter_constraints", {}).items():
        if parameter in {"n_jobs", "verbose", "memory"} or not isinstance(constraints, list):
            continue
        for constraint in constraints:
            values = sorted(getattr(constraint, "options", ()), key=str)
            for value in values[:_OPTIONS_PER_PARAMETER]:
                yield parameter, value
        if "boolean" in constraints:
            yield parameter, True
            yield parameter, False


def estimators(*, thorough: bool = True) -> Iterator[tuple[bool, str, Any]]:
    """Yield (base case?, label, fitted model) for each estimator, training set and named option that fits.

    Without ``thorough`` each estimator is fitted once.
    """
    import sklearn.experimental.enable_halving_search_cv
    import sklearn.experimental.enable_iterative_imputer  # noqa: F401  # registers two estimators
    from sklearn.utils import all_estimators

    warnings.simplefilter("ignore")
    sets = training_sets()
    for name, cls in all_estimators():
        try:
            cls()
            starts: list[dict[str, Any]] = [{}]
        except TypeError:
            starts = _required(name)
        for start in starts:
            fitted = list(_fit(cls, start, sets) if thorough else islice(_fit(cls, start, sets), 1))
            for label, model in fitted:
                yield True, f"{name}, {label}", model
            if not thorough:
                continue
            labels = {label for label, _ in fitted}
            few = [entry for entry in sets if entry[0] in labels][:2]
            for parameter, value in _options(cls):
                for label, model in _fit(cls, {**start, parameter: value}, few):
                    yield False, f"{name}({parameter}={value!r}), {label}", model


def compositions() -> Iterator[Case]:
    """Yield what applications build from the estimators: pipelines, searches, kernels, scorers, splitters."""
    import numpy as np
    import sklearn
    from sklearn import (
        compose,
        feature_selection,
        gaussian_process,
        linear_model,
        metrics,
        model_selection,
        neighbors,
        pipeline,
        preprocessing,
    )
    from sklearn.gaussian_process import kernels

    (_, (x, classes)), _, (_, (_, target)), *_ = training_sets()
    for function in (
        np.log1p,
        np.expm1,
        np.sqrt,
        np.exp,
        np.log,
        np.abs,
        np.square,
        np.sign,
        np.cbrt,
        np.clip,
    ):
        yield "FunctionTransformer", preprocessing.FunctionTransformer(function).fit(x)
    for score in (
        "chi2",
        "f_classif",
        "f_regression",
        "mutual_info_classif",
        "mutual_info_regression",
        "r_regression",
    ):
        function = getattr(feature_selection, score)
        yield f"SelectKBest({score})", feature_selection.SelectKBest(function, k=2).fit(x, classes)
    for name in metrics.get_scorer_names():
        yield f"scorer {name}", metrics.get_scorer(name)
    for name in metrics.pairwise.PAIRWISE_DISTANCE_FUNCTIONS:
        yield f"pairwise distance {name}", metrics.pairwise.PAIRWISE_DISTANCE_FUNCTIONS[name]
    for name in metrics.pairwise.PAIRWISE_KERNEL_FUNCTIONS:
        yield f"pairwise kernel {name}", metrics.pairwise.PAIRWISE_KERNEL_FUNCTIONS[name]
    for name in (
        "euclidean",
        "manhattan",
        "chebyshev",
        "minkowski",
        "hamming",
        "canberra",
        "braycurtis",
        "haversine",
    ):
        for dtype in (np.float64, np.float32):
            with contextlib.suppress(Exception):
                yield f"DistanceMetric {name}", metrics.DistanceMetric.get_metric(name, dtype=dtype)
    for name in ("jaccard", "dice", "russellrao", "rogerstanimoto", "sokalmichener", "sokalsneath", "yule"):
        with contextlib.suppress(Exception):
            yield f"DistanceMetric {name}", metrics.DistanceMetric.get_metric(name)
    for cls in (neighbors.KDTree, neighbors.BallTree):
        yield cls.__name__, cls(x)
    every = [
        kernels.RBF(), kernels.Matern(nu=1.5), kernels.RationalQuadratic(), kernels.ExpSineSquared(),
        kernels.DotProduct() ** 2, kernels.PairwiseKernel(), kernels.ConstantKernel() * kernels.RBF(2.0),
        kernels.RBF() + kernels.WhiteKernel(), kernels.CompoundKernel([kernels.RBF(), kernels.RBF()]),
    ]  # fmt: skip
    for kernel in every:
        yield f"kernel {kernel}", kernel
        with contextlib.suppress(Exception):
            yield (
                f"GaussianProcess {kernel}",
                gaussian_process.GaussianProcessRegressor(kernel, optimizer=None).fit(x, target),
            )
            yield (
                f"GaussianProcess {kernel}",
                gaussian_process.GaussianProcessClassifier(kernel, optimizer=None).fit(x, classes),
            )
    for name in sorted(vars(model_selection)):
        cls = getattr(model_selection, name)
        if isinstance(cls, type) and hasattr(cls, "get_n_splits"):
            with contextlib.suppress(Exception):
                yield f"splitter {name}", cls(2) if name in ("LeavePOut", "LeavePGroupsOut") else cls()
                search = model_selection.GridSearchCV(
                    linear_model.Ridge(), {"alpha": [1.0]}, cv=cls(), scoring="r2"
                )
                yield f"GridSearchCV with {name}", search.fit(x, target)
    scaled = compose.make_column_transformer(
        (preprocessing.StandardScaler(), compose.make_column_selector(dtype_include=np.number)),
        (preprocessing.OneHotEncoder(), ["letter"]),
    )
    logistic = linear_model.LogisticRegression(random_state=np.random.RandomState(0))
    yield "make_pipeline", pipeline.make_pipeline(preprocessing.StandardScaler(), logistic).fit(x, classes)
    with contextlib.suppress(ImportError):
        import pandas as pd

        frame = pd.DataFrame(x, columns=["p", "q", "r", "s"]).assign(letter=["a", "b"] * 20)
        mixed = pipeline.make_pipeline(scaled, logistic).fit(frame, classes)
        yield "ColumnTransformer on a DataFrame", mixed
        yield (
            "a dictionary about a model",
            {"model": mixed, "features": frame.columns, "score": np.float64(0.5)},
        )
        yield (
            "set_output",
            preprocessing.StandardScaler().set_output(transform="pandas").fit(frame[["p", "q"]]),
        )
    regression = compose.TransformedTargetRegressor(
        linear_model.Ridge(), func=np.log1p, inverse_func=np.expm1
    )
    yield "TransformedTargetRegressor", regression.fit(x, target)
    yield "sparsify", linear_model.SGDClassifier().fit(x, classes).sparsify()
    with contextlib.suppress(AttributeError), sklearn.config_context(enable_metadata_routing=True):
        yield "metadata routing", linear_model.Ridge().set_fit_request(sample_weight=True).fit(x, target)
    yield "make_scorer", metrics.make_scorer(metrics.fbeta_score, beta=2)
    yield "Bunch", sklearn.utils.Bunch(a=1)
