"""A proxy refuses to be copied by anybody, says what to do instead, and is kept where scikit-learn freezes it."""

from __future__ import annotations

import copy
import io
import multiprocessing
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from secureload import UsageError

from .conftest import Load

ROWS, LABELS = load_iris(return_X_y=True)


@pytest.fixture
def model(load: Load) -> Any:
    return load(make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(ROWS, LABELS))


WAYS: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": pickle.dumps,
    "pickle in a list": lambda value: pickle.dumps([value], protocol=2),
    "joblib": lambda value: joblib.dump(value, io.BytesIO()),
    "cloudpickle": cloudpickle.dumps,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", ["the model", "a method", "an awaited method", "a part"])
def test_copies_are_refused_with_what_to_do_instead(model: Any, way: str, what: str) -> None:
    given = {
        "the model": model,
        "a method": model.predict,
        "an awaited method": model.apredict,
        "a part": model[0],
    }[what]
    with pytest.raises(UsageError, match="cannot be pickled or copied") as caught:
        WAYS[way](given)
    assert "safe_load()" in caught.value.hint
    assert np.array_equal(model.predict(ROWS[:1]), [0])


def test_a_spawned_process_cannot_be_given_a_model_and_the_caller_is_told(model: Any) -> None:
    process = multiprocessing.get_context("spawn").Process(target=print, args=(model,))
    with pytest.raises(UsageError, match="cannot be pickled") as caught:
        process.start()
    assert "in each process" in caught.value.hint


def test_a_clone_is_refused_and_a_frozen_one_is_the_model_itself(model: Any) -> None:
    frozen = pytest.importorskip("sklearn.frozen", reason="scikit-learn before 1.6 has no FrozenEstimator")
    with pytest.raises(UsageError, match="cannot be cloned") as caught:
        clone(model)
    assert "FrozenEstimator" in caught.value.hint
    kept = clone(frozen.FrozenEstimator(model))
    assert kept.estimator is model
    assert np.array_equal(kept.predict(ROWS), model.predict(ROWS))


def test_a_frozen_model_is_calibrated(model: Any) -> None:
    frozen = pytest.importorskip("sklearn.frozen", reason="scikit-learn before 1.6 has no FrozenEstimator")
    from sklearn.calibration import CalibratedClassifierCV

    calibrated = CalibratedClassifierCV(frozen.FrozenEstimator(model), cv=3).fit(ROWS, LABELS)
    assert calibrated.predict_proba(ROWS).shape == (150, 3)


def test_a_proxy_can_be_referred_to_weakly_and_is_equal_to_itself_alone(model: Any) -> None:
    assert weakref.ref(model)() is model
    assert model == model  # that is the test
    assert model != model[0]
    assert len({model, model}) == 1


def test_limits_of_no_sense_are_refused(model: Any) -> None:
    with pytest.raises(UsageError):
        model.limits(timeout_seconds=-1)
    with pytest.raises(TypeError):
        model.limits(1)
