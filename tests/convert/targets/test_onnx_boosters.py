"""XGBoost and LightGBM to ONNX: through the converters of onnxmltools, and proved as everything is."""

from __future__ import annotations

from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import secureload
from secureload.api.convert import convert
from secureload.convert.proof import Tier
from secureload.convert.targets import onnx_boosters
from secureload.errors import ConversionError
from secureload.signing.keys import SigningKey
from secureload.trust.store import load_trust_store
from tests.api.test_other_libraries import library

X, Y = load_iris(return_X_y=True)


def test_which_estimators_they_are() -> None:
    assert not onnx_boosters.is_booster(StandardScaler)
    assert onnx_boosters.is_booster(type("Any", (), {"__module__": "lightgbm.sklearn"}))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("xgboost", "XGBClassifier"),
        ("xgboost", "XGBRegressor"),
        ("lightgbm", "LGBMClassifier"),
        ("lightgbm", "LGBMRegressor"),
    ],
)
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_a_booster_becomes_onnx(
    tmp_path: Path, alice: SigningKey, alices_trust_store: Path, name: str, kind: str, in_pipeline: bool
) -> None:
    module = library(name)
    pytest.importorskip("onnxmltools", reason="onnxmltools is not installed")
    model = getattr(module, kind)(n_estimators=5, **({"verbose": -1} if name == "lightgbm" else {}))
    model = (make_pipeline(StandardScaler(), model) if in_pipeline else model).fit(X, Y)
    joblib.dump(model, tmp_path / "model.joblib")
    made = convert(tmp_path / "model.joblib", "onnx", key=alice)
    assert made.proof.tier in (Tier.TOLERANCE, Tier.LAST_PLACE, Tier.BITS)
    assert (made.proof.flips, made.runs_code) == (0, False)
    with secureload.safe_load(made.target, trust_store=load_trust_store(alices_trust_store)) as loaded:
        assert np.allclose(loaded.predict(X), model.predict(X), atol=1e-5)
        if kind.endswith("Classifier"):
            assert np.allclose(loaded.predict_proba(X), model.predict_proba(X), atol=1e-5)


def test_a_booster_on_its_own_is_named_with_what_to_save(tmp_path: Path) -> None:
    xgboost = library("xgboost")
    joblib.dump(xgboost.train({}, xgboost.DMatrix(X, Y), 2), tmp_path / "model.joblib")
    with pytest.raises(ConversionError, match=r"xgboost\.core\.Booster is no estimator") as caught:
        convert(tmp_path / "model.joblib", "onnx")
    assert "XGBClassifier" in caught.value.hint
