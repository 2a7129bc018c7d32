"""convert(): the model in another format, with a proof, or no file at all."""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import os
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import secureload
from secureload.api.convert import convert
from secureload.api.sign import sign
from secureload.convert.proof import Tier
from secureload.errors import (
    BadSignatureError,
    ConversionError,
    LoadFailedError,
    MalformedError,
    ManifestMismatchError,
    PolicyError,
    SandboxError,
    UsageError,
)
from secureload.signing.keys import SigningKey
from secureload.signing.truststore import TrustStore
from tests.structured.forging import forged

X, Y = load_iris(return_X_y=True)
PIPELINE = make_pipeline(StandardScaler(), RandomForestClassifier(10, random_state=0)).fit(X, Y)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.joblib"
    joblib.dump(PIPELINE, path)
    return path


def test_a_pipeline_becomes_safetensors_that_is_proved_signed_and_loaded(
    model: Path, alice: SigningKey, store: TrustStore
) -> None:
    made = convert(model, "safetensors", key=alice)
    assert made.target == model.with_suffix(".safetensors")
    assert (made.proof.tier, made.proof.flips, made.runs_code) == (Tier.STATE, 0, False)
    assert made.inputs >= 5
    assert made.proof.compared > 800
    with secureload.safe_load(made.target, trust_store=store) as loaded:
        assert np.array_equal(loaded.predict_proba(X), PIPELINE.predict_proba(X))
    here = secureload.safe_load(made.target, trust_store=store, isolation="none")
    assert type(here) is type(PIPELINE)
    assert np.array_equal(here.predict_proba(X), PIPELINE.predict_proba(X))


def test_the_result_is_the_same_bytes_each_time(model: Path) -> None:
    first = convert(model, "safetensors")
    assert convert(model, "safetensors", force=True).target_digest == first.target_digest


def test_in_process_loading_is_refused_for_what_can_run_code(
    model: Path, alice: SigningKey, store: TrustStore
) -> None:
    sign(model, key=alice)
    with pytest.raises(UsageError, match="can run code"):
        secureload.safe_load(model, trust_store=store, isolation="none")
    with pytest.raises(UsageError, match="isolation"):
        secureload.safe_load(model, trust_store=store, isolation="thread")  # type: ignore[arg-type]


def test_compressed_safetensors_is_loaded_both_ways(
    model: Path, alice: SigningKey, store: TrustStore
) -> None:
    made = convert(model, "safetensors", zstd=True, key=alice)
    assert made.target.name == "model.safetensors.zst"
    assert made.target_size < os.path.getsize(model)
    for isolation in ("process", "none"):
        loaded = secureload.safe_load(made.target, trust_store=store, isolation=isolation)  # type: ignore[arg-type]
        assert np.array_equal(loaded.predict(X), PIPELINE.predict(X))


@pytest.mark.parametrize("name", ["joblib", "pickle"])
def test_back_to_a_pickle_freshly_signed(
    model: Path, name: str, alice: SigningKey, store: TrustStore, tmp_path: Path
) -> None:
    safe = convert(model, "safetensors")
    back = convert(safe.target, name, output=tmp_path / f"back.{name}", key=alice)
    assert (back.proof.tier, back.runs_code) == (Tier.STATE, True)
    assert back.state_hash == safe.state_hash
    with secureload.safe_load(back.target, trust_store=store) as loaded:
        assert np.array_equal(loaded.predict_proba(X), PIPELINE.predict_proba(X))


def test_skops_and_back(model: Path, alice: SigningKey, store: TrustStore, tmp_path: Path) -> None:
    pytest.importorskip("skops", reason="skops is not installed")
    made = convert(model, "skops", key=alice)
    assert made.proof.tier is Tier.STATE
    with secureload.safe_load(made.target, trust_store=store) as loaded:
        assert np.array_equal(loaded.predict_proba(X), PIPELINE.predict_proba(X))
    again = convert(made.target, "safetensors", output=tmp_path / "again.safetensors")
    assert again.state_hash == made.state_hash


@pytest.mark.parametrize("to", ["safetensors", "skops", "pickle"])
@pytest.mark.parametrize("model", [DBSCAN(), TSNE(max_iter=250)], ids=lambda model: type(model).__name__)
def test_an_estimator_without_outputs_is_proved_by_its_state(tmp_path: Path, model: Any, to: str) -> None:
    joblib.dump(model.fit(X), tmp_path / "model.joblib")
    made = convert(tmp_path / "model.joblib", to)
    assert (made.proof.tier, made.inputs) == (Tier.STATE, 0)


def test_a_frame_with_columns_by_name(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pd.DataFrame({"size": X[:, 0], "colour": ["red", "blue", "green"] * 50})
    columns = make_column_transformer(
        (StandardScaler(), ["size"]), (OneHotEncoder(handle_unknown="ignore"), ["colour"])
    )
    joblib.dump(make_pipeline(columns, LogisticRegression()).fit(frame, Y), tmp_path / "model.joblib")
    made = convert(tmp_path / "model.joblib", "safetensors")
    assert made.proof.tier is Tier.STATE
    assert made.proof.compared > 500


def test_golden_rows_are_compared_too(model: Path) -> None:
    with_rows = convert(model, "safetensors", golden=X)
    assert with_rows.inputs == convert(model, "safetensors", force=True).inputs + 1


def test_numpy_archives_become_plain_safetensors(
    tmp_path: Path, alice: SigningKey, store: TrustStore
) -> None:
    arrays = {
        "a": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        "b": np.arange(20, dtype=">i4")[::-2],
        "c": np.broadcast_to(np.arange(3, dtype="f2"), (2, 3)),
        "flag": np.array(True),
    }
    joblib.dump(arrays, tmp_path / "model.joblib")
    made = convert(tmp_path / "model.joblib", "safetensors", key=alice)
    assert (made.format, made.proof.tier) == ("tensors", Tier.STATE)
    loaded = secureload.safe_load(made.target, trust_store=store)
    for name, array in arrays.items():
        assert np.array_equal(loaded[name], array), name
        assert loaded[name].dtype == array.dtype.newbyteorder("=")
    library = pytest.importorskip("safetensors.numpy", reason="the safetensors library is not installed")
    assert np.array_equal(library.load_file(made.target)["a"], arrays["a"])


def test_an_npz_file_is_a_source(tmp_path: Path) -> None:
    np.savez(tmp_path / "arrays.npz", weights=np.arange(6.0).reshape(2, 3), bias=np.float32(1.5))
    made = convert(tmp_path / "arrays.npz", "safetensors")
    assert (made.format, made.proof.tier) == ("tensors", Tier.STATE)


@pytest.mark.parametrize(
    "array",
    [np.array(["text"]), np.array([1 + 2j]), np.array([1], np.longdouble), np.array(["2026"], "M8[Y]")],
    ids=lambda array: str(array.dtype),
)
def test_what_plain_safetensors_cannot_hold_is_refused_by_name(array: Any, tmp_path: Path) -> None:
    joblib.dump({"weights": np.zeros(3), "odd": array}, tmp_path / "model.joblib")
    with pytest.raises(ConversionError, match=r"'odd' is of type"):
        convert(tmp_path / "model.joblib", "safetensors")
    assert list(tmp_path.glob("*.safetensors")) == []


def test_a_lambda_and_an_unknown_class_are_refused_before_anything_runs(tmp_path: Path) -> None:
    cloudpickle = pytest.importorskip("cloudpickle", reason="cloudpickle is not installed")
    (tmp_path / "model.pkl").write_bytes(cloudpickle.dumps(FunctionTransformer(lambda x: x)))
    with pytest.raises(PolicyError):
        convert(tmp_path / "model.pkl", "safetensors")


CUSTOM = """
import numpy as np

class Custom:
    n_features_in_ = 2

    def transform(self, rows):
        return np.asarray(rows) * self.scale_
"""


def test_a_custom_transformer_is_named_with_the_flag_that_allows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_transformers.py").write_text(CUSTOM)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    model = importlib.import_module("my_transformers").Custom()
    model.scale_ = 3.0
    Path("model.pkl").write_bytes(pickle.dumps(model))
    with pytest.raises(PolicyError) as caught:
        convert("model.pkl", "safetensors")
    assert "--allow my_transformers.Custom" in caught.value.hint
    made = convert("model.pkl", "safetensors", allow=["my_transformers.Custom"])
    assert made.proof.tier is Tier.STATE
    assert made.proof.compared > 100


def test_an_existing_target_is_refused_without_force(model: Path) -> None:
    target = model.with_suffix(".safetensors")
    target.write_bytes(b"precious")
    with pytest.raises(UsageError, match="exists"):
        convert(model, "safetensors")
    assert target.read_bytes() == b"precious"
    convert(model, "safetensors", force=True)
    assert target.read_bytes() != b"precious"


def test_a_full_disk_leaves_nothing_behind(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("secureload.convert.written.os.fsync", full)
    with pytest.raises(SandboxError, match="No space left"):
        convert(model, "safetensors")
    assert sorted(path.name for path in model.parent.iterdir()) == ["model.joblib"]


def test_a_forged_file_that_somebody_signed_is_an_error(
    tmp_path: Path, alice: SigningKey, store: TrustStore
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(
        forged(PIPELINE, lambda forgery: forgery.set("RandomForestClassifier", "n_features_in_", 400))
    )
    sign(path, key=alice)
    with pytest.raises(LoadFailedError, match="another number of columns"):
        secureload.safe_load(path, trust_store=store)
    with pytest.raises(MalformedError, match="another number of columns"):
        secureload.safe_load(path, trust_store=store, isolation="none")


def test_a_structured_file_that_names_something_else_is_not_admitted(
    tmp_path: Path, alice: SigningKey, store: TrustStore
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(forged(PIPELINE, lambda forgery: forgery.names.append("os:system")))
    sign(path, key=alice)
    for isolation in ("process", "none"):
        with pytest.raises(PolicyError):
            secureload.safe_load(path, trust_store=store, isolation=isolation)  # type: ignore[arg-type]


def test_a_model_of_another_release_is_told_of(tmp_path: Path, alice: SigningKey, store: TrustStore) -> None:
    path = tmp_path / "model.safetensors"

    def older(forgery: Any) -> None:
        forgery.metadata["library.scikit-learn"] = "0.24.2"

    path.write_bytes(forged(PIPELINE, older))
    sign(path, key=alice)
    with pytest.warns(secureload.ModelVersionWarning, match="0.24.2"):
        secureload.safe_load(path, trust_store=store, isolation="none")


def test_a_target_that_is_none_is_a_usage_error(model: Path) -> None:
    with pytest.raises(UsageError) as caught:
        convert(model, "hdf5")
    assert "safetensors, skops, onnx" in caught.value.hint
    with pytest.raises(UsageError, match="no folder"):
        convert(model, "safetensors", output=model.parent / "none" / "x.safetensors")


def test_what_is_written_says_where_it_comes_from(model: Path, alice: SigningKey, store: TrustStore) -> None:
    made = convert(model, "safetensors", key=alice)
    assert made.provenance is not None
    lines = [json.loads(line) for line in made.provenance.read_text().splitlines()]
    statements = [json.loads(base64.b64decode(line["dsseEnvelope"]["payload"])) for line in lines]
    (lineage,) = [one for one in statements if one["predicateType"] == "https://slsa.dev/provenance/v1"]
    (source,) = lineage["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert source["digest"]["sha256"] == hashlib.sha256(model.read_bytes()).hexdigest() == made.source_digest
    parameters = lineage["predicate"]["buildDefinition"]["externalParameters"]
    assert (parameters["proof"]["tier"], parameters["proof"]["state_sha256"]) == ("state", made.state_hash)
    secureload.safe_load(made.target, trust_store=store).close()


def test_a_source_that_was_changed_after_it_was_signed_is_not_converted(
    model: Path, alice: SigningKey, alices_trust_store: Path
) -> None:
    sign(model, key=alice)
    joblib.dump(LogisticRegression(), model)
    with pytest.raises(ManifestMismatchError):
        convert(model, "safetensors", trust_store=alices_trust_store)
    assert not model.with_suffix(".safetensors").exists()


def test_a_source_whose_signature_was_forged_is_not_converted(
    model: Path, alice: SigningKey, alices_trust_store: Path
) -> None:
    sidecar = sign(model, key=alice).sidecar
    mallory = SigningKey.generate("mallory")
    forged_by = sign(model, key=mallory).sidecar.read_text().splitlines()[-1]
    sidecar.write_text(forged_by.replace(mallory.public.key_id, alice.public.key_id) + "\n")
    with pytest.raises(BadSignatureError):
        convert(model, "safetensors", trust_store=alices_trust_store)


def test_a_renamed_source_is_converted_under_its_signed_name(
    model: Path, alice: SigningKey, alices_trust_store: Path
) -> None:
    sidecar = sign(model, key=alice).sidecar
    renamed = model.with_name("renamed.joblib")
    model.rename(renamed)
    sidecar.rename(f"{renamed}.sig")
    with pytest.raises(ManifestMismatchError, match="not as"):
        convert(renamed, "safetensors", trust_store=alices_trust_store)
    assert convert(renamed, "safetensors", trust_store=alices_trust_store, name=model.name).target.exists()


def test_golden_rows_that_were_signed_are_compared_too(
    model: Path, alice: SigningKey, alices_trust_store: Path
) -> None:
    plain = convert(model, "safetensors", trust_store=alices_trust_store).inputs
    X, y = load_iris(return_X_y=True)
    sign(model, key=alice, metadata=secureload.describe(joblib.load(model), X, y, cv=2))
    again = convert(model, "safetensors", trust_store=alices_trust_store, force=True)
    assert again.inputs == plain + 1
