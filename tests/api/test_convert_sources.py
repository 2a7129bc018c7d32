"""convert(): every kind of source to every kind of target, or a refusal that names what is in the way."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import secureload
from secureload.api.convert import convert
from secureload.convert.proof import Tier
from secureload.errors import ConversionError, PolicyError, UsageError
from secureload.signing.keys import SigningKey
from secureload.signing.truststore import TrustStore
from tests.api.test_other_libraries import library
from tests.structured.forging import read

X, Y = load_iris(return_X_y=True)
PIPELINE = make_pipeline(StandardScaler(), RandomForestClassifier(3, random_state=0)).fit(X, Y)
COMPRESSIONS = [0, 9, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3), ("lz4", 3)]


@pytest.mark.parametrize("compress", COMPRESSIONS, ids=str)
def test_joblib_in_each_of_its_compressions(tmp_path: Path, compress: Any) -> None:
    joblib.dump(PIPELINE, tmp_path / "model.joblib", compress=compress)
    made = convert(tmp_path / "model.joblib", "safetensors")
    assert made.proof.tier is Tier.STATE
    assert np.array_equal(read(made.target.read_bytes()).predict_proba(X), PIPELINE.predict_proba(X))


@pytest.mark.parametrize("protocol", range(6))
def test_pickle_in_each_of_its_protocols(tmp_path: Path, protocol: int) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(PIPELINE, protocol))
    assert convert(tmp_path / "model.pkl", "skops").proof.tier is Tier.STATE


def test_cloudpickle_that_carries_no_code(tmp_path: Path) -> None:
    cloudpickle = pytest.importorskip("cloudpickle", reason="cloudpickle is not installed")
    (tmp_path / "model.pkl").write_bytes(cloudpickle.dumps(PIPELINE))
    assert convert(tmp_path / "model.pkl", "safetensors").proof.tier is Tier.STATE


@pytest.mark.parametrize(
    "value",
    [
        X,
        3,
        np.array([{"a": 1}, None, "x"], object),
        [LogisticRegression(max_iter=500).fit(X, Y), LogisticRegression().fit(X, Y)],
        {"model": LogisticRegression(max_iter=500).fit(X, Y), "threshold": 0.4, "names": ["a"]},
    ],
    ids=["an array", "a number", "an array of objects", "a list of models", "a dictionary about a model"],
)
@pytest.mark.parametrize("to", ["safetensors", "skops", "joblib"])
def test_what_is_no_estimator_is_proved_by_its_state(
    tmp_path: Path, value: Any, to: str, alice: SigningKey, store: TrustStore
) -> None:
    joblib.dump(value, tmp_path / "value.pkl")
    made = convert(tmp_path / "value.pkl", to, key=alice)
    assert made.proof.tier is Tier.STATE
    loaded = secureload.safe_load(made.target, trust_store=store)
    if isinstance(value, np.ndarray | int):
        assert np.array_equal(loaded, value)


@pytest.mark.parametrize("length", [376, 24_184, 40_056, 55_928])
def test_a_header_as_long_as_the_mark_of_zlib_is_still_read(
    tmp_path: Path, length: int, alice: SigningKey, store: TrustStore
) -> None:
    """0x0178, 0x5E78, 0x9C78, 0xDA78: little-endian, these are the first two bytes of a zlib stream."""
    from secureload.api.sign import sign

    header = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    data = length.to_bytes(8, "little") + header.ljust(length) + np.array([1, 2], "<f4").tobytes()
    (tmp_path / "model.safetensors").write_bytes(data)
    sign(tmp_path / "model.safetensors", key=alice)
    assert secureload.safe_load(tmp_path / "model.safetensors", trust_store=store)["w"].tolist() == [1, 2]


def test_big_endian_arrays_that_joblib_would_turn_are_refused_by_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "arrays.npz", fine=np.zeros(2), turned=np.zeros(2, ">f8"))
    with pytest.raises(ConversionError, match=r"differs at model\.turned: array of >f8"):
        convert(tmp_path / "arrays.npz", "joblib")
    assert convert(tmp_path / "arrays.npz", "pickle").proof.tier is Tier.STATE


def test_an_archive_with_an_array_of_objects_names_it(tmp_path: Path) -> None:
    np.savez(tmp_path / "arrays.npz", fine=np.zeros(2), odd=np.array([1, None], object))
    with pytest.raises(secureload.SecureloadError, match="'odd'"):
        convert(tmp_path / "arrays.npz", "safetensors")


def test_a_model_of_torch_as_a_module_and_as_a_state_dictionary(tmp_path: Path) -> None:
    torch = library("torch")
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3)).eval()
    torch.save(net, tmp_path / "module.pt")
    with pytest.raises(ConversionError, match=r"torch\.nn\.modules\.container\.Sequential") as caught:
        convert(tmp_path / "module.pt", "safetensors")
    assert "state_dict()" in caught.value.hint
    with pytest.raises(ConversionError, match="is no estimator") as caught:
        convert(tmp_path / "module.pt", "onnx")
    assert "torch.onnx.export" in caught.value.hint
    assert convert(tmp_path / "module.pt", "joblib").proof.tier is Tier.STATE
    torch.save(net.state_dict(), tmp_path / "weights.pt")
    made = convert(tmp_path / "weights.pt", "safetensors")
    assert (made.format, made.proof.tier) == ("tensors", Tier.STATE)
    assert convert(made.target, "pickle").proof.tier is Tier.STATE


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "uint16", "complex64", "bool"])
def test_types_of_torch_that_numpy_has_or_has_not(tmp_path: Path, name: str) -> None:
    torch = library("torch")
    torch.save({"x": torch.tensor([0.0, 1.0, 3.0]).to(getattr(torch, name))}, tmp_path / "weights.pt")
    assert convert(tmp_path / "weights.pt", "safetensors").proof.tier is Tier.STATE


@pytest.mark.parametrize(
    "make",
    [
        lambda torch: torch.eye(3).to_sparse(),
        lambda torch: torch.eye(3).to_sparse_csr(),
        lambda torch: torch.zeros(2, dtype=torch.complex128),
    ],
    ids=["sparse", "sparse by rows", "complex128"],
)
def test_tensors_that_safetensors_cannot_hold_are_refused_by_name(tmp_path: Path, make: Any) -> None:
    torch = library("torch")
    torch.save({"fine": torch.zeros(1), "odd": make(torch)}, tmp_path / "weights.pt")
    with pytest.raises(ConversionError, match="'odd'"):
        convert(tmp_path / "weights.pt", "safetensors")


@pytest.mark.parametrize("to", ["joblib", "pickle"])
def test_a_booster_goes_from_one_pickle_to_another(tmp_path: Path, to: str) -> None:
    xgboost = library("xgboost")
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(xgboost.train({}, xgboost.DMatrix(X, Y), 2)))
    assert convert(path, to, output=tmp_path / "again").proof.tier is Tier.STATE


def test_a_booster_has_no_structured_form_and_the_way_out_is_named(tmp_path: Path) -> None:
    xgboost = library("xgboost")
    joblib.dump(xgboost.XGBClassifier(n_estimators=2).fit(X, Y), tmp_path / "model.joblib")
    with pytest.raises(ConversionError, match="XGBClassifier") as caught:
        convert(tmp_path / "model.joblib", "safetensors")
    assert "--to onnx" in caught.value.hint


def test_a_lambda_is_refused_with_what_to_do_about_it(tmp_path: Path) -> None:
    cloudpickle = pytest.importorskip("cloudpickle", reason="cloudpickle is not installed")
    model = make_pipeline(FunctionTransformer(lambda rows: rows * 2), LogisticRegression(max_iter=500)).fit(
        X, Y
    )
    (tmp_path / "model.pkl").write_bytes(cloudpickle.dumps(model))
    for to in ("safetensors", "onnx"):
        with pytest.raises(PolicyError) as caught:
            convert(tmp_path / "model.pkl", to)
        assert "move it into a module of yours" in caught.value.hint


@pytest.mark.parametrize("value", [{"a": np.zeros(2)}, np.zeros(2), [1]], ids=["arrays", "array", "list"])
def test_what_is_no_estimator_has_no_form_in_onnx(tmp_path: Path, value: Any) -> None:
    pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    joblib.dump(value, tmp_path / "value.joblib")
    with pytest.raises(ConversionError, match="is no estimator, and has no form in ONNX"):
        convert(tmp_path / "value.joblib", "onnx")


def test_there_is_no_way_back_from_onnx(tmp_path: Path) -> None:
    pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    joblib.dump(PIPELINE, tmp_path / "model.joblib")
    made = convert(tmp_path / "model.joblib", "onnx")
    for to in ("joblib", "safetensors", "skops"):
        with pytest.raises(ConversionError, match="is a graph"):
            convert(made.target, to, output=tmp_path / "back")


@pytest.mark.parametrize(
    ("to", "options", "said"),
    [
        ("joblib", {"zstd": True}, "not compressed with zstd"),
        ("skops", {"opset": 15}, "no use for --opset"),
        ("safetensors", {"dtype": "float64"}, "no use for --dtype"),
        ("pickle", {"onnx_hook": "a:b"}, "no use for --onnx-hook"),
    ],
)
def test_an_option_of_another_target_is_not_ignored(
    tmp_path: Path, to: str, options: dict[str, Any], said: str
) -> None:
    joblib.dump(3, tmp_path / "model.joblib")
    with pytest.raises(UsageError, match=said):
        convert(tmp_path / "model.joblib", to, output=tmp_path / "other", **options)


def test_a_folder_is_not_a_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (".", "/", tmp_path):
        with pytest.raises(secureload.SecureloadError):
            convert(path, "safetensors")


def test_an_estimator_without_a_form_in_onnx_is_named(tmp_path: Path) -> None:
    pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    joblib.dump(KernelDensity().fit(X), tmp_path / "model.joblib")
    with pytest.raises(ConversionError, match="KernelDensity"):
        convert(tmp_path / "model.joblib", "onnx")


@pytest.mark.parametrize("place", ["/dev/full", "/dev/null"])
def test_a_device_is_never_replaced(tmp_path: Path, place: str) -> None:
    joblib.dump(3, tmp_path / "model.joblib")
    with pytest.raises(UsageError, match="is no file"):
        convert(tmp_path / "model.joblib", "pickle", output=place, force=True)


def test_what_cannot_be_signed_is_taken_back(
    tmp_path: Path, alice: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    joblib.dump(PIPELINE, tmp_path / "model.joblib")

    written: list[int] = []

    def full_after_the_target(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) > 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("secureload.artifact.sidecar.os.fsync", full_after_the_target)
    with pytest.raises(secureload.SecureloadError, match="No space left") as caught:
        convert(tmp_path / "model.joblib", "safetensors", key=alice)
    assert caught.value.exit_code == 5
    assert [one.name for one in tmp_path.iterdir()] == ["model.joblib"]


def test_a_key_that_is_not_there_leaves_nothing_unsigned_behind(tmp_path: Path) -> None:
    joblib.dump(PIPELINE, tmp_path / "model.joblib")
    with pytest.raises(secureload.SecureloadError):
        convert(tmp_path / "model.joblib", "safetensors", key=tmp_path / "no-key")
    assert [one.name for one in tmp_path.iterdir()] == ["model.joblib"]


def saved_by(version: str) -> bytes:
    """The pickle of a model as another release of scikit-learn would have saved it."""
    model = LogisticRegression(max_iter=500).fit(X, Y)
    state = {**model.__getstate__(), "_sklearn_version": version}
    data = pickle.dumps(model)
    here = model.__getstate__()["_sklearn_version"].encode()
    assert data.count(here) == 1
    return data.replace(bytes([len(here)]) + here, bytes([len(version)]) + state["_sklearn_version"].encode())


def test_a_model_of_another_release_is_told_of_before_and_after(
    tmp_path: Path, alice: SigningKey, store: TrustStore
) -> None:
    """The converted file says which release saved the model, not which one converted it."""
    (tmp_path / "model.pkl").write_bytes(saved_by("1.0.2"))
    with pytest.warns(secureload.ModelVersionWarning, match=r"1\.0\.2"):
        made = convert(tmp_path / "model.pkl", "safetensors", key=alice)
    for isolation in ("process", "none"):
        with pytest.warns(secureload.ModelVersionWarning, match=r"1\.0\.2"):
            secureload.safe_load(made.target, trust_store=store, isolation=isolation)  # type: ignore[arg-type]
