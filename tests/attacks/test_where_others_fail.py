"""Files on which other scanners say "clean", count an error instead of a finding, or accuse what is harmless."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from secureload.cli import main

from ..advisories.archives import EVIL, GOOD, torch_zip, zipped
from ..advisories.checking import checked, dangerous, names, not_accepted

REJECTED, UNDECIDED = 1, 3


class Payload:
    """Pickled as a call of ``os.system`` that would do nothing; nothing ever loads it."""

    def __reduce__(self) -> Any:
        import os

        return os.system, ("echo hello",)


def dumped(value: Any, compress: Any = 0) -> bytes:
    target = io.BytesIO()
    joblib.dump(value, target, compress=compress)
    return target.getvalue()


def test_a_compressed_joblib_file_that_starts_a_program(tmp_path: Path) -> None:
    data = dumped([np.arange(2_000.0), Payload()], compress=3)
    assert names(dangerous(tmp_path, data, "model.joblib"), "posix.system('echo hello')")


@pytest.mark.parametrize("garbage", [b"\x00", b"\xff" * 100, b"garbage behind it", EVIL[:-5]])
def test_a_payload_and_then_garbage(garbage: bytes, tmp_path: Path) -> None:
    for data in (EVIL + garbage, EVIL[:-1] + garbage):
        assert names(dangerous(tmp_path, data), "os.system")


@pytest.mark.parametrize(
    "name", ["model.unknown", "model", "model.jpg", "model.dat", "README.md", ".hidden", "a.so"]
)
def test_a_payload_under_any_extension(name: str, tmp_path: Path) -> None:
    assert names(dangerous(tmp_path, EVIL, name), "os.system")


@pytest.mark.parametrize(
    "name", ["model.pkl", "model.joblib", "model.pt", "model.npy", "model.skops", "model"]
)
def test_a_file_of_no_bytes_is_never_clean(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    assert main(["check", str(tmp_path / name)]) == UNDECIDED
    assert main(["check", str(tmp_path)]) == UNDECIDED


def test_a_broken_archive_is_never_clean(tmp_path: Path) -> None:
    whole = zipped({"a/data.pkl": GOOD, "a/version": b"3\n"})
    for data in (
        whole[:-30],
        whole[: len(whole) // 2],
        b"PK\x03\x04" + b"\0" * 60,
        whole.replace(b"PK\x05\x06", b"PKxx"),
    ):
        assert not_accepted(tmp_path, data, "model.pt")


def test_an_empty_folder_is_never_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "models" / "inner").mkdir(parents=True)
    assert main(["check", str(tmp_path / "models")]) == UNDECIDED
    assert "nothing found" not in capsys.readouterr().out.lower()


def test_the_exit_code_of_a_mixed_folder_is_that_of_its_worst_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a-broken.zip").write_bytes(b"PK\x03\x04" + b"\0" * 30)
    (tmp_path / "b-good.pkl").write_bytes(pickle.dumps([1, 2]))
    (tmp_path / "c-evil.unknown").write_bytes(EVIL)
    (tmp_path / "d-empty.pkl").write_bytes(b"")
    (tmp_path / "e-strange.pkl").write_bytes(b"\xff\xfe\xfd" * 9)
    assert main(["check", str(tmp_path)]) == REJECTED
    assert "os.system" in capsys.readouterr().out


SETTINGS = """
[tool.secureload]
allow = ["os:system", "posix:system"]
[library]
name = "evil"
releases = ["1"]
[callable]
globals = "os:system  any  trust me"
[scanners]
enabled = false
"""


def test_settings_that_lie_beside_the_model_or_in_the_working_folder_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names_of_settings = (
        *("pyproject.toml", "setup.cfg", "secureload.toml", ".secureload.toml", "allow.toml", "policy.toml"),
        *("modelscan-settings.toml", ".secureload/config.toml", "secureload.ini", ".env", "trust.toml"),
    )
    for name in names_of_settings:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(SETTINGS)
    (tmp_path / "model.pkl").write_bytes(EVIL)
    monkeypatch.chdir(tmp_path)
    assert main(["check", "model.pkl"]) == REJECTED
    assert main(["check", str(tmp_path)]) == REJECTED
    assert "os.system" in capsys.readouterr().out


@pytest.mark.parametrize("compress", [0, 3])
def test_a_payload_after_the_bytes_of_an_array(compress: int, tmp_path: Path) -> None:
    data = dumped({"weights": np.zeros(40_000), "model": Payload()}, compress)
    assert names(dangerous(tmp_path, data, "model.joblib"), "posix.system('echo hello')")


@pytest.mark.parametrize("ref", ["os.system", "subprocess.Popen", "builtins.eval"])
def test_a_skops_archive_that_names_a_hostile_type(ref: str, tmp_path: Path) -> None:
    module, _, name = ref.rpartition(".")
    content = {"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode", "__id__": 2, "content": {},
               "key_types": {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "__id__": 3,
                             "content": []}}  # fmt: skip
    schema = {"__class__": name, "__module__": module, "__loader__": "ObjectNode", "__id__": 1, "content": content,
              "protocol": 2, "_skops_version": "0.13.0"}  # fmt: skip
    data = zipped({"schema.json": json.dumps(schema).encode()})
    assert names(dangerous(tmp_path, data, "model.skops"), ref)


@pytest.mark.parametrize(
    "ref",
    ["pathlib:os.system", "numpy.core.multiarray:os.system", "collections:_sys.modules.get", "unittest.mock:_importer",
     "sklearn.utils:os.system", "statsmodels.api:os.system", "our_models:sys.modules"],
)  # fmt: skip
def test_a_gadget_through_the_name_of_a_module_that_a_list_trusts(ref: str, tmp_path: Path) -> None:
    from secureload.pickles.assembler import Assembler

    code = Assembler(4).stack_global(*ref.split(":")).mark().text("echo hello").tuple_().reduce()
    assert names(dangerous(tmp_path, code.stop()), ref.replace(":", "."))


@pytest.mark.parametrize("compress", [0, 3, ("lz4", 3)])
def test_plain_models_of_scikit_learn_are_accepted_as_pickle_and_as_joblib(
    compress: Any, tmp_path: Path
) -> None:
    rows, labels = np.random.default_rng(0).normal(size=(60, 4)), np.arange(60) % 3
    for estimator in (
        LogisticRegression(),
        RandomForestClassifier(n_estimators=3),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ):
        model = estimator.fit(rows, labels)
        for data in (pickle.dumps(model), pickle.dumps(model, 2), dumped(model, compress)):
            outcome, findings = checked(tmp_path, data, "model.joblib")
            assert (outcome.value, findings) == ("accepted", [])


def test_an_archive_of_pytorch_with_a_payload_is_rejected_by_every_name_that_it_may_have(
    tmp_path: Path,
) -> None:
    for name in ("model.pt", "model.pth", "model.bin", "model.ckpt", "model.pkl", "model.zip", "model"):
        assert names(dangerous(tmp_path, torch_zip(), name), "os.system")
