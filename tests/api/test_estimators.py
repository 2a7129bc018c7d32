"""Every estimator of the installed scikit-learn: checked, loaded in the sandbox, and equal to the last bit."""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.base import is_regressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.utils import all_estimators

import secureload
from secureload.api.sign import sign
from secureload.signing.keys import SigningKey
from secureload.signing.truststore import TrustStore

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
METHODS = ("predict", "predict_proba", "decision_function", "transform", "score_samples")
NAMES = [name for name, _ in all_estimators()]


def fitted(name: str) -> tuple[Any, Any]:
    """The estimator, fitted on a little data, and rows to ask it about."""
    kind = dict(all_estimators())[name]
    model = kind(**OPTIONS.get(name, {}))
    accepted = inspect.signature(kind).parameters
    small = {"random_state": 0, "n_estimators": 5, "max_iter": 60, "n_components": 2, "cv": 2}
    if name not in OPTIONS:
        model.set_params(**{key: value for key, value in small.items() if key in accepted})
    rows = INPUTS.get(name, ROWS)
    if rows is not ROWS and name != "IsotonicRegression":
        return model.fit(rows), rows
    target: Any = TARGETS if is_regressor(model) else LABELS
    if name in TWO_TARGETS:
        target = np.c_[LABELS, 1 - LABELS]
    elif name in TWO_REAL_TARGETS or "CCA" in name or "PLS" in name:
        target = np.c_[TARGETS, TARGETS[::-1]]
    return model.fit(rows, target), rows


@pytest.mark.parametrize("name", NAMES)
def test_an_estimator_of_scikit_learn_is_accepted_and_answers_the_same(
    name: str, tmp_path: Path, alice: SigningKey, store: TrustStore
) -> None:
    path = tmp_path / "model.joblib"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        joblib.dump(fitted(name)[0], path)
        # What the file holds, not what was fitted: saving may itself change the layout of an array.
        model, rows = joblib.load(path), fitted(name)[1]
        sign(path, key=alice)
        with secureload.safe_load(path, trust_store=store) as proxy:
            asked = 0
            for method in METHODS:
                if hasattr(model, method):
                    expected, found = getattr(model, method)(rows), getattr(proxy, method)(rows)
                    assert same(found, expected), method
                    asked += 1
            assert asked or repr(proxy) == repr(model)


def same(found: Any, expected: Any) -> bool:
    if isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(map(same, found, expected))
    if hasattr(expected, "toarray"):
        found, expected = found.toarray(), expected.toarray()
    plain = np.asarray(expected).dtype.kind in "fc"
    return bool(np.array_equal(found, expected, equal_nan=plain)) and found.dtype == expected.dtype
