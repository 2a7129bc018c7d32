"""Conversion to ONNX: what the proof lets through is loaded with the same methods, what it does not is not written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier, StackingClassifier
from sklearn.feature_selection import RFE
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

import secureload
from secureload.api.convert import convert
from secureload.api.sign import sign
from secureload.convert.proof import Tier
from secureload.convert.targets import onnx_file
from secureload.errors import ConversionError, LoadFailedError, PolicyError
from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.roles.onnx_model import ANSWERS, OnnxModel
from secureload.signing.keys import SigningKey
from secureload.trust.store import load_trust_store

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
X, Y = load_iris(return_X_y=True)
BINARY = (Y == 1).astype(int)


@pytest.fixture
def saved(tmp_path: Path) -> Any:
    def run(model: Any) -> Path:
        joblib.dump(model, tmp_path / "model.joblib")
        return tmp_path / "model.joblib"

    return run


@pytest.mark.parametrize("isolation", ["process", "none"])
def test_a_forest_is_proved_and_has_the_same_methods(
    saved: Any, alice: SigningKey, alices_trust_store: Path, isolation: Any
) -> None:
    model = RandomForestClassifier(20, random_state=0).fit(X, Y)
    made = convert(saved(model), "onnx", key=alice)
    assert made.proof.tier is Tier.TOLERANCE
    assert (made.proof.flips, made.runs_code) == (0, False)
    store = load_trust_store(alices_trust_store)
    loaded = secureload.safe_load(made.target, trust_store=store, isolation=isolation)
    assert np.array_equal(loaded.predict(X), model.predict(X))
    assert np.allclose(loaded.predict_proba(X), model.predict_proba(X), atol=1e-5)


def test_a_transformer_in_double_precision(saved: Any, alice: SigningKey, alices_trust_store: Path) -> None:
    model = StandardScaler().fit(X)
    made = convert(saved(model), "onnx", dtype="float64", opset=15, key=alice)
    assert made.proof.tier in (Tier.BITS, Tier.LAST_PLACE)
    loaded = secureload.safe_load(made.target, trust_store=load_trust_store(alices_trust_store))
    assert np.allclose(loaded.transform(X), model.transform(X), rtol=1e-14)
    assert onnx.load(made.target).opset_import[0].version <= 15


@pytest.mark.parametrize(
    "model",
    [
        LinearDiscriminantAnalysis(),
        TunedThresholdClassifierCV(LogisticRegression(max_iter=500, class_weight={0: 1, 1: 9})),
    ],
    ids=["binary LinearDiscriminantAnalysis", "TunedThresholdClassifierCV"],
)
def test_converters_that_are_known_to_be_wrong_are_caught_and_nothing_is_written(
    saved: Any, model: Any
) -> None:
    path = saved(model.fit(X, BINARY))
    with pytest.raises(ConversionError, match="not equivalent") as caught:
        convert(path, "onnx")
    assert caught.value.exit_code == 1
    assert "row" in caught.value.message
    assert [one.name for one in path.parent.iterdir()] == ["model.joblib"]


def test_a_difference_is_accepted_only_up_to_the_bound_that_is_named(saved: Any) -> None:
    path = saved(GradientBoostingRegressor(n_estimators=5, random_state=0).fit(X, X[:, 0]))
    with pytest.raises(ConversionError, match="not equivalent"):
        convert(path, "onnx", accept_difference=1e-12)
    assert convert(path, "onnx", accept_difference=0.1).proof.tier is Tier.TOLERANCE


def test_an_estimator_without_a_converter_is_named(saved: Any) -> None:
    with pytest.raises(ConversionError, match="KernelDensity") as caught:
        convert(saved(KernelDensity().fit(X)), "onnx")
    assert "--onnx-hook" in caught.value.hint


def written(model: Any, dtype: str = "float32") -> Any:
    """The ONNX model as bytes."""
    (data,) = onnx_file.encode(model, (), DEFAULT_LIMITS, {"dtype": dtype})
    return data


@pytest.mark.parametrize(
    ("model", "methods"),
    [
        (StackingClassifier([("a", LogisticRegression(max_iter=500))], cv=2), ["predict", "predict_proba"]),
        (LinearSVC(), ["predict"]),
        (make_pipeline(StandardScaler(), LinearSVC()), ["predict"]),
        (KMeans(3, n_init=1, random_state=0), ["predict", "transform"]),
        (RFE(LogisticRegression(max_iter=500)), ["transform"]),
        (StandardScaler(), ["transform"]),
    ],
    ids=["stacking", "linear support vectors", "pipeline of some", "centres", "feature selection", "scaler"],
)
def test_a_file_offers_the_methods_that_it_answers_and_no_other(
    saved: Any, alice: SigningKey, alices_trust_store: Path, model: Any, methods: list[str]
) -> None:
    """The first output of a stacking are labels: as its ``transform`` they would be wrong."""
    made = convert(saved(model.fit(X, Y)), "onnx", key=alice)
    assert made.proof.tier in (Tier.BITS, Tier.LAST_PLACE, Tier.TOLERANCE)
    loaded = secureload.safe_load(made.target, trust_store=load_trust_store(alices_trust_store))
    assert [name for name in ("predict", "predict_proba", "transform") if hasattr(loaded, name)] == methods
    for name in methods:
        assert np.allclose(getattr(loaded, name)(X), getattr(model, name)(X), atol=1e-4)


@pytest.mark.parametrize(
    "said", ["predict=7", "predict", "run=0", "predict=-1", "predict=\u0661", "x" * 1000, ""]
)
def test_a_file_that_lies_about_its_outputs_is_read_like_one_that_says_nothing(said: str) -> None:
    made = onnx.load_from_string(written(StandardScaler().fit(X)))
    del made.metadata_props[:]
    made.metadata_props.add(key=ANSWERS, value=said)
    loaded = OnnxModel(made.SerializeToString())
    assert all(hasattr(loaded, name) for name in ("predict", "predict_proba", "transform"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_converter_that_knows_no_version_of_a_domain_gets_none(saved: Any, dtype: str) -> None:
    model = GaussianMixture(2, random_state=0).fit(X)
    assert convert(saved(model), "onnx", dtype=dtype).proof.tier is not Tier.FAILED


@pytest.mark.parametrize("labels", [["red", "blue", "red"], [3, 1, 2]])
def test_labels_are_encoded(
    saved: Any, alice: SigningKey, alices_trust_store: Path, labels: list[Any]
) -> None:
    made = convert(saved(LabelEncoder().fit(labels)), "onnx", key=alice)
    loaded = secureload.safe_load(made.target, trust_store=load_trust_store(alices_trust_store))
    assert np.array_equal(loaded.transform(labels), LabelEncoder().fit(labels).transform(labels))


def test_an_external_data_path_outside_its_folder_is_not_followed(
    tmp_path: Path, alice: SigningKey, alices_trust_store: Path
) -> None:
    """Neither by the check, which refuses it, nor by the loader, which has the bytes of one file and no path."""
    (tmp_path / "secret.bin").write_bytes(bytes(24))
    (tmp_path / "inside").mkdir()
    tensor = onnx.TensorProto(
        name="w", data_type=onnx.TensorProto.FLOAT, dims=[6], data_location=onnx.TensorProto.EXTERNAL
    )
    tensor.external_data.add(key="location", value="../secret.bin")
    node = onnx.helper.make_node("Add", ["x", "w"], ["y"])
    values = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [6]) for name in "xy"]
    graph = onnx.helper.make_graph([node], "g", values[:1], values[1:], [tensor])
    path = tmp_path / "inside" / "model.onnx"
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    sign(path, key=alice)
    for isolation in ("process", "none"):
        with pytest.raises((PolicyError, LoadFailedError)):
            secureload.safe_load(path, trust_store=load_trust_store(alices_trust_store), isolation=isolation)  # type: ignore[arg-type]


HOOK = """
from secureload_own import Doubler
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import FloatTensorType

def shape(operator):
    operator.outputs[0].type = FloatTensorType([None, operator.inputs[0].type.shape[1]])

def convert(scope, operator, container):
    container.add_node("Add", [operator.inputs[0].full_name] * 2, [operator.outputs[0].full_name], name="double")

def register():
    update_registered_converter(Doubler, "OwnDoubler", shape, convert)
"""
OWN = """
from sklearn.base import BaseEstimator, TransformerMixin

class Doubler(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X + X
"""


def test_a_converter_of_ones_own_is_registered_by_a_hook(
    saved: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib

    (tmp_path / "secureload_own.py").write_text(OWN)
    (tmp_path / "secureload_own_hook.py").write_text(HOOK)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    path = saved(importlib.import_module("secureload_own").Doubler().fit(X))
    made = convert(path, "onnx", allow=["secureload_own.Doubler"], onnx_hook="secureload_own_hook:register")
    assert made.proof.tier in (Tier.TOLERANCE, Tier.LAST_PLACE)


@pytest.mark.parametrize("isolation", ["process", "none"])
def test_columns_are_taken_by_name_whatever_their_order(
    saved: Any, alice: SigningKey, alices_trust_store: Path, isolation: Any
) -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pd.DataFrame({"size": X[:, 0], "colour": ["red", "blue", "green"] * 50, "weight": 100 * X[:, 2]})
    columns = make_column_transformer(
        (StandardScaler(), ["size", "weight"]), (OneHotEncoder(handle_unknown="ignore"), ["colour"])
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=500)).fit(frame, Y)
    made = convert(saved(model), "onnx", key=alice)
    loaded = secureload.safe_load(
        made.target, trust_store=load_trust_store(alices_trust_store), isolation=isolation
    )
    turned = frame.assign(more=1)[["more", "weight", "colour", "size"]]
    assert np.allclose(loaded.predict_proba(frame), model.predict_proba(frame), atol=1e-5)
    assert np.allclose(loaded.predict_proba(turned), model.predict_proba(frame), atol=1e-5)
