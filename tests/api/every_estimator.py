"""Every estimator of the installed scikit-learn, fitted on a little data, and what there is to ask it.

A proxy and the object that ``joblib.load`` gives in process are asked the same questions in the same order.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.base import is_regressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.utils import all_estimators

import secureload
from secureload.api.sign import sign
from secureload.errors import UsageError
from secureload.signing.keys import SigningKey

from .identical import differences

__all__ = ["NAMES", "RAISING", "Asked", "Case", "ask_saved", "fitted"]

GENERATOR = np.random.default_rng(0)
ROWS = np.abs(GENERATOR.normal(size=(40, 4))).round(3) + 0.01
LABELS = (ROWS[:, 0] + ROWS[:, 1] > 1.6).astype(int)
TARGETS = (ROWS @ [1.0, 2.0, 0.5, 0.1]).round(3) + 1

# What a constructor needs, for those that have no default for it, and smaller sizes for the slow ones.
OPTIONS: dict[str, Any] = {
    "ClassifierChain": {"estimator": LogisticRegression()},
    "ColumnTransformer": {"transformers": [("all", "passthrough", [0, 1])]},
    "FeatureUnion": {"transformer_list": [("all", "passthrough")]},
    "FixedThresholdClassifier": {"estimator": LogisticRegression()},
    "FrozenEstimator": {"estimator": LinearRegression().fit(ROWS, TARGETS)},
    "GridSearchCV": {"estimator": LogisticRegression(), "param_grid": {"C": [1.0]}, "cv": 2},
    "HalvingGridSearchCV": {"estimator": LogisticRegression(), "param_grid": {"C": [1.0]}, "cv": 2},
    "HalvingRandomSearchCV": {"estimator": LogisticRegression(), "param_distributions": {"C": [1.0]}, "cv": 2},
    "KernelPCA": {"n_components": 2, "fit_inverse_transform": True},
    "MultiOutputClassifier": {"estimator": LogisticRegression()},
    "MultiOutputRegressor": {"estimator": LinearRegression()},
    "OneVsOneClassifier": {"estimator": LogisticRegression()},
    "OneVsRestClassifier": {"estimator": LogisticRegression()},
    "OutputCodeClassifier": {"estimator": LogisticRegression(), "random_state": 0},
    "Pipeline": {"steps": [("model", LogisticRegression())]},
    "RFE": {"estimator": LogisticRegression()},
    "RFECV": {"estimator": LogisticRegression(), "cv": 2},
    "LinearDiscriminantAnalysis": {},
    "OrthogonalMatchingPursuitCV": {"cv": 2},
    "PatchExtractor": {"patch_size": (2, 2)},
    "RandomizedSearchCV": {"estimator": LogisticRegression(), "param_distributions": {"C": [1]}, "n_iter": 1},
    "SpectralBiclustering": {"n_components": 3, "random_state": 0},
    "TSNE": {"perplexity": 5, "max_iter": 250, "random_state": 0},
    "RegressorChain": {"estimator": LinearRegression()},
    "SelectFromModel": {"estimator": LogisticRegression()},
    "SelfTrainingClassifier": {"estimator": LogisticRegression()},
    "SequentialFeatureSelector": {"estimator": LogisticRegression(), "cv": 2},
    "SimpleImputer": {"add_indicator": True},
    "SparseCoder": {"dictionary": np.eye(4)},
    "StackingClassifier": {"estimators": [("a", LogisticRegression())], "cv": 2},
    "StackingRegressor": {"estimators": [("a", LinearRegression())], "cv": 2},
    "TunedThresholdClassifierCV": {"estimator": LogisticRegression(), "cv": 2},
    "VotingClassifier": {"estimators": [("a", LogisticRegression())]},
    "VotingRegressor": {"estimators": [("a", LinearRegression())]},
}  # fmt: skip
WORDS = ["red apple", "green apple", "red car"] * 5
INPUTS: dict[str, Any] = {
    "CountVectorizer": WORDS,
    "TfidfVectorizer": WORDS,
    "HashingVectorizer": WORDS,
    "DictVectorizer": [{"a": 1.0, "b": 2.0}, {"a": 3.0}],
    "FeatureHasher": [{"a": 1.0, "b": 2.0}, {"a": 3.0}],
    "IsotonicRegression": ROWS[:, 0],
    "KernelCenterer": ROWS @ ROWS.T,
    "LabelBinarizer": LABELS,
    "LabelEncoder": LABELS,
    "MultiLabelBinarizer": [(1, 2), (3,)],
    "PatchExtractor": GENERATOR.normal(size=(2, 6, 6)),
}
TWO_TARGETS = {"ClassifierChain", "MultiOutputClassifier"}
TWO_REAL_TARGETS = {"MultiOutputRegressor", "RegressorChain", "MultiTaskElasticNet", "MultiTaskElasticNetCV",
                    "MultiTaskLasso", "MultiTaskLassoCV"}  # fmt: skip
NAMES = [name for name, _ in all_estimators()]

# Refused by the proxy: they change the model, and say so when they are called.
CHANGING = frozenset(
    {"fit", "partial_fit", "fit_transform", "fit_predict", "sparsify", "densify", "restrict"}
)
# What a method is asked with; one that is not here is asked with nothing.
_WITH_ROWS = (
    "predict", "predict_proba", "predict_log_proba", "predict_joint_log_proba", "decision_function", "transform",
    "score_samples", "kneighbors", "kneighbors_graph", "radius_neighbors", "radius_neighbors_graph", "apply",
    "decision_path", "staged_predict", "staged_predict_proba", "staged_decision_function", "mahalanobis", "perplexity",
    "latent_mean_and_variance", "sample_y", "gibbs", "aic", "bic", "correct_covariance", "reweight_covariance",
)  # fmt: skip
_ARGUMENTS: dict[str, Callable[[Any, Case], tuple[Any, ...]]] = {
    **dict.fromkeys(_WITH_ROWS, lambda _, case: (case.rows,)),
    **dict.fromkeys(
        ("score", "staged_score", "path", "cost_complexity_pruning_path", "score_func"),
        lambda _, case: (case.rows, case.target),
    ),
    "inverse_transform": lambda model, case: (model.transform(case.rows),),
    "sample": lambda model, _: (
        (3, 0) if "random_state" in inspect.signature(model.sample).parameters else (3,)
    ),
    "error_norm": lambda _, __: (np.eye(4),),
    "dbscan_clustering": lambda _, __: (0.5,),
    "get_indices": lambda _, __: (0,),
    "get_shape": lambda _, __: (0,),
    "get_submatrix": lambda _, case: (0, case.rows),
    "decode": lambda _, __: (b"red apple",),
    "pooling_func": lambda _, case: (case.rows,),
}
# What an answer that is a function is asked in its turn.
_BUILT = {"build_analyzer", "build_preprocessor", "build_tokenizer"}
# These raise in process too, whatever they are asked with; the proxy must raise the same.
_UNROUTED = "scikit-learn has no metadata routing for it, or fails in it"
RAISING: dict[str, str] = {
    "AdaBoostClassifier.get_metadata_routing": _UNROUTED,
    "AdaBoostRegressor.get_metadata_routing": _UNROUTED,
    "EllipticEnvelope.get_metadata_routing": _UNROUTED,
    "MultiTaskElasticNet.get_metadata_routing": _UNROUTED,
    "MultiTaskLasso.get_metadata_routing": _UNROUTED,
    "RidgeCV.get_metadata_routing": _UNROUTED,
    "RidgeClassifierCV.get_metadata_routing": _UNROUTED,
    "StackingRegressor.get_metadata_routing": _UNROUTED,
    "Pipeline.get_feature_names_out": "its last step is a classifier, which has none",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A fitted estimator, and the rows and target that it was fitted on (no target: None)."""

    model: Any
    rows: Any
    target: Any


@dataclass(frozen=True, slots=True)
class Asked:
    """The methods and attributes that answered alike, what was refused, what raised alike, and what differs."""

    methods: tuple[str, ...]
    attributes: tuple[str, ...]
    refused: tuple[str, ...]
    raised: tuple[str, ...]
    differing: tuple[str, ...]


def fitted(name: str) -> Case:
    """Fit the estimator of that name; the random ones with a fixed state."""
    kind = dict(all_estimators())[name]
    model = kind(**OPTIONS.get(name, {}))
    accepted = inspect.signature(kind).parameters
    small = {"random_state": 0, "n_estimators": 5, "max_iter": 60, "n_components": 2, "cv": 2}
    if name not in OPTIONS:
        model.set_params(**{key: value for key, value in small.items() if key in accepted})
    rows = INPUTS.get(name, ROWS)
    if rows is not ROWS and name != "IsotonicRegression":
        return Case(model.fit(rows), rows, None)
    target: Any = TARGETS if is_regressor(model) else LABELS
    if name in TWO_TARGETS:
        target = np.c_[LABELS, 1 - LABELS]
    elif name in TWO_REAL_TARGETS or "CCA" in name or "PLS" in name:
        target = np.c_[TARGETS, TARGETS[::-1]]
    return Case(model.fit(rows, target), rows, target)


def ask(case: Case, proxy: Any) -> Asked:
    """Ask ``case.model`` and the proxy everything public that they have."""
    told: dict[str, list[str]] = {
        name: [] for name in ("methods", "attributes", "refused", "raised", "differing")
    }
    for name, is_method in _public(case.model):
        if not is_method:
            found = list(differences(getattr(proxy, name), getattr(case.model, name), name))
            told["differing" if found else "attributes"].extend(found or [name])
        elif name in CHANGING or name.startswith("set_"):
            told["refused" if _refuses(proxy, name) else "differing"].append(name)
        else:
            expected, error = _answer(case.model, name, case)
            found, raised = _answer(proxy, name, case, case.model)
            if error or raised:
                told["raised" if error == raised else "differing"].append(name)
            else:
                different = list(differences(found, expected, name))
                told["differing" if different else "methods"].extend(different or [name])
    return Asked(**{name: tuple(values) for name, values in told.items()})


def ask_saved(name: str, path: Path, key: SigningKey, trust_store: Any) -> Asked:
    """Save, sign and load that estimator, in the sandbox and in process, and ask both."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        case = fitted(name)
        joblib.dump(case.model, path)
        # What the file holds, not what was fitted: saving may itself change the layout of an array.
        case = replace(case, model=joblib.load(path))
        sign(path, key=key)
        with secureload.safe_load(path, trust_store=trust_store) as proxy:
            asked = ask(case, proxy)
            if repr(proxy) != repr(joblib.load(path)):
                asked = replace(asked, differing=(*asked.differing, "repr()"))
            return asked


def _public(model: Any) -> Iterator[tuple[str, bool]]:
    """Yield the methods (True) and the fitted attributes (False)."""
    for name in dir(model):
        if name.startswith("_"):
            continue
        try:
            value = getattr(model, name)
        except AttributeError:  # what this model, with these options, has not got
            continue
        if inspect.isroutine(value):
            yield name, True
        elif name.endswith("_"):
            yield name, False


def _answer(asked: Any, name: str, case: Case, plain: Any = None) -> tuple[Any, str]:
    """Return the answer and nothing, or nothing and what was raised."""
    try:
        arguments = _ARGUMENTS.get(name, lambda _, __: ())(asked if plain is None else plain, case)
        answer = getattr(asked, name)(*arguments)
        if name in _BUILT:
            return answer("Red apple"), ""
        return (list(answer) if name.startswith("staged_") else answer), ""
    except RecursionError as error:  # its text depends on where the stack ended
        return None, type(error).__qualname__
    except Exception as error:
        return None, f"{type(error).__qualname__}: {error}"


def _refuses(proxy: Any, name: str) -> bool:
    try:
        getattr(proxy, name)()
    except Exception as error:
        return isinstance(error, UsageError) and "would change a verified model" in error.message
    return False
