"""Missing values go the same way in a tree's ONNX, which skl2onnx forgets, and the proof asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from secureload.api.convert import TOLERANCES, convert
from secureload.convert.inputs import inputs_for
from secureload.convert.outputs import outputs_for
from secureload.convert.proof import Tier, compare_outputs
from secureload.convert.targets import onnx_file, onnx_trees
from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.roles.onnx_model import OnnxModel

pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
X, Y = load_iris(return_X_y=True)
HOLES = X.astype(np.float32)
HOLES[np.random.default_rng(0).random(X.shape) < 0.3] = np.nan


@pytest.mark.parametrize("trained_on", [X, HOLES], ids=["complete rows", "rows with holes"])
@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(random_state=0),
        DecisionTreeRegressor(max_leaf_nodes=9, random_state=0),
        RandomForestClassifier(30, random_state=0),
        ExtraTreesRegressor(10, random_state=0),
        make_pipeline(StandardScaler(), RandomForestClassifier(10, max_depth=2, random_state=0)),
    ],
    ids=["tree", "best first", "forest", "extra trees", "pipeline"],
)
def test_missing_values_go_the_same_way(model: Any, trained_on: Any) -> None:
    model = model.fit(trained_on, Y)
    (data,) = onnx_file.encode(model, (), DEFAULT_LIMITS, {"dtype": "float32"})
    assert np.allclose(OnnxModel(data).predict(HOLES), model.predict(HOLES), atol=1e-5)


def test_without_that_the_proof_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which says that missing values are asked for: of a forest, whose template was never fitted, too."""
    model = RandomForestClassifier(30, random_state=0).fit(X, Y)
    given = inputs_for(model, 0, single=True)
    assert any(len(rows) and np.isnan(rows).any() for rows in given)
    splits = {float(value) for member in model.estimators_ for value in np.unique(member.tree_.threshold)}
    assert any(splits & set(rows.ravel().tolist()) for rows in inputs_for(model, 0, single=False))
    before = outputs_for(model, given, ["predict", "predict_proba"])
    for restored, tier in ((True, Tier.TOLERANCE), (False, Tier.FAILED)):
        if not restored:
            monkeypatch.setattr(onnx_file, "restore_missing", lambda made, model: None)
        (data,) = onnx_file.encode(model, (), DEFAULT_LIMITS, {"dtype": "float32"})
        after = outputs_for(OnnxModel(data), given, ["predict", "predict_proba"])
        assert compare_outputs(before, after, TOLERANCES["float32"]).tier is tier


@pytest.mark.parametrize(
    "model", [AdaBoostClassifier(n_estimators=5), GradientBoostingClassifier(n_estimators=5)]
)
def test_stumps_of_one_column_are_told_apart_by_their_thresholds(model: Any, tmp_path: Path) -> None:
    joblib.dump(model.fit(X, Y), tmp_path / "model.joblib")
    assert convert(tmp_path / "model.joblib", "onnx").proof.tier is not Tier.FAILED


def test_a_model_without_trees_is_left_as_it_is() -> None:
    (data,) = onnx_file.encode(StandardScaler().fit(X), (), DEFAULT_LIMITS, {"dtype": "float32"})
    import onnx

    made = onnx.load_from_string(data)
    onnx_trees.restore_missing(made, StandardScaler().fit(X))
    assert made.SerializeToString() == data
