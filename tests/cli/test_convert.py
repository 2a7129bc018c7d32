"""``secureload convert``: what it prints, and what it ends with."""

from __future__ import annotations

import json
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tests.cli.conftest import Shell

MODEL = LogisticRegression().fit(np.arange(20.0).reshape(10, 2), np.arange(10) % 2)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    joblib.dump(MODEL, tmp_path / "model.joblib")
    return tmp_path / "model.joblib"


def test_it_says_what_was_written_and_how_it_is_proved(model: Path, shell: Shell) -> None:
    done = shell("convert", model, "--to", "safetensors")
    assert done.code == 0
    assert "it cannot run code when it is loaded" in done.out
    assert "state: the state is the same, to the last bit" in done.out
    assert model.with_suffix(".safetensors").is_file()


def test_json(model: Path, shell: Shell) -> None:
    done = shell("convert", model, "--to", "pickle", "--format", "json")
    found = json.loads(done.out)
    assert (done.code, found["proof"]["tier"], found["runs_code_at_load"]) == (0, "state", True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--to", "word"], 2, "there is no target 'word'"),
        (["--to", "safetensors", "--output", "no-such-folder/x"], 2, "there is no folder"),
        (["--to", "onnx", "--dtype", "float8"], 2, "there is no precision"),
        (["--to", "safetensors", "--golden", "missing.npy"], 2, "holds no rows"),
        ([], 2, "--to"),
    ],
)
def test_a_wrong_flag_is_said(model: Path, shell: Shell, arguments: list[str], code: int, said: str) -> None:
    done = shell("convert", model, *arguments)
    assert done.code == code
    assert said in done.err


def test_a_missing_file_and_a_target_that_exists(model: Path, shell: Shell) -> None:
    assert shell("convert", model.with_name("none.joblib"), "--to", "safetensors").code == 2
    assert shell("convert", model, "--to", "safetensors").code == 0
    again = shell("convert", model, "--to", "safetensors")
    assert again.code == 2
    assert "exists" in again.err
    assert "--force" in again.err


def test_a_dangerous_source_is_rejected(tmp_path: Path, shell: Shell) -> None:
    (tmp_path / "bad.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    done = shell("convert", tmp_path / "bad.pkl", "--to", "safetensors")
    assert done.code == 1
    assert not (tmp_path / "bad.safetensors").exists()


def test_a_model_of_another_release_is_told_of(tmp_path: Path, shell: Shell) -> None:
    from tests.api.test_convert_sources import saved_by

    (tmp_path / "model.pkl").write_bytes(saved_by("1.0.2"))
    done = shell("convert", tmp_path / "model.pkl", "--to", "safetensors")
    assert done.code == 0
    assert "warning: saved with scikit-learn 1.0.2" in done.err
