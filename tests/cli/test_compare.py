"""``secureload compare``: every format of one model, measured; JSON and a picture."""

from __future__ import annotations

import json
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import RFE
from sklearn.linear_model import LogisticRegression

from secureload.api.compare import FORMATS
from tests.cli.conftest import Shell

README = Path(__file__).resolve().parents[2] / "README.md"

ROWS = np.random.default_rng(0).random((60, 3))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    joblib.dump(
        RandomForestClassifier(5, random_state=0).fit(ROWS, np.arange(60) % 2), tmp_path / "model.joblib"
    )
    return tmp_path / "model.joblib"


def test_a_table_says_which_formats_run_code_and_keep_the_predictions(model: Path, shell: Shell) -> None:
    done = shell(
        "compare", model, "--repeats", "1", "--formats", "pickle 5,joblib 3,safetensors,safetensors zstd"
    )
    assert done.code == 0
    rows = {line.split("  ")[0]: line for line in done.out.splitlines()}
    assert rows["pickle 5"].endswith("bit-identical  yes")
    assert rows["safetensors"].endswith("bit-identical  no")
    assert rows["safetensors zstd"].endswith("no")
    assert sorted(path.name for path in model.parent.iterdir() if path.is_file()) == ["model.joblib"]


def test_json_and_a_picture(model: Path, shell: Shell) -> None:
    picture = model.with_name("plot.html")
    done = shell(
        "compare",
        model,
        "--repeats",
        "2",
        "--formats",
        "pickle 5,safetensors",
        "--format",
        "json",
        "--plot",
        picture,
    )
    found = json.loads(done.out)
    assert [one["format"] for one in found["formats"]] == ["pickle 5", "safetensors"]
    for one in found["formats"]:
        for key in ("bytes", "save_seconds", "load_seconds", "peak_bytes", "row_seconds", "batch_seconds"):
            assert one[key] > 0, key
    assert "Peak memory" in picture.read_text()
    assert "<script" not in picture.read_text()


def test_a_png_is_drawn_where_matplotlib_is(model: Path, shell: Shell) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    picture = model.with_name("plot.png")
    assert shell("compare", model, "--repeats", "1", "--formats", "safetensors", "--plot", picture).code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_written_in_a_format_says_why(tmp_path: Path, shell: Shell) -> None:
    joblib.dump(DBSCAN().fit(ROWS), tmp_path / "model.joblib")
    done = shell("compare", tmp_path / "model.joblib", "--repeats", "1", "--formats", "safetensors,onnx")
    assert done.code == 0
    assert "onnx: " in done.out


def test_wrong_flags_are_said(model: Path, shell: Shell) -> None:
    assert "there is no format" in shell("compare", model, "--formats", "word").failed(2).err
    assert "neither" in shell("compare", model, "--plot", "x.gif").failed(2).err
    assert shell("compare", model.with_name("none")).code == 2


def test_the_readme_shows_every_format_in_the_columns_that_are_printed(tmp_path: Path, shell: Shell) -> None:
    rows = np.random.default_rng(0).random((60, 3))
    joblib.dump(RandomForestClassifier(3, random_state=0).fit(rows, np.arange(60) % 2), tmp_path / "m.joblib")
    printed = shell("compare", tmp_path / "m.joblib", "--repeats", "1", "--formats", "safetensors").out
    head = [cell for cell in printed.splitlines()[0].split("  ") if cell]
    text = README.read_text(encoding="utf-8")
    table = text[text.index("| format | size |") :].partition("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    assert cells[0] == [cell.strip() for cell in head]
    assert [row[0] for row in cells[2:]] == list(FORMATS)
    for row in cells[2:]:
        assert len(row) == len(head)
        assert "-" not in row


def test_what_a_format_does_not_answer_is_not_timed(tmp_path: Path, shell: Shell) -> None:
    """The ONNX of a feature selection has no predict."""
    pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    joblib.dump(
        RFE(LogisticRegression()).fit(np.random.default_rng(0).random((60, 4)), np.arange(60) % 2),
        tmp_path / "model.joblib",
    )
    done = shell(
        "compare",
        tmp_path / "model.joblib",
        "--repeats",
        "1",
        "--formats",
        "safetensors,onnx",
        "--format",
        "json",
    )
    first, second = json.loads(done.out)["formats"]
    assert first["row_seconds"] > 0
    assert (second["row_seconds"], second["batch_seconds"], second["reason"]) == (None, None, "")
    assert second["bytes"] > 0
    assert second["predictions"] in ("tolerance", "bit-identical")
