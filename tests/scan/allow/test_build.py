"""The build script: its data files are whole, and its arguments are checked."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from secureload.scan import allow
from secureload.scan.allow.build import main
from secureload.scan.allow.recorded import from_text
from secureload.scan.allowlist import library_of, load_shipped_file
from secureload.scan.arguments import RULES

FOLDER = Path(allow.__file__).parent


@pytest.mark.parametrize("arguments", [[], ["merge"], ["collect"], ["trace"], ["fetch", "x"]])
def test_arguments_that_are_not_understood_show_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "collect" in capsys.readouterr().out


def test_every_rule_that_the_review_names_exists() -> None:
    review = tomllib.loads((FOLDER / "review.toml").read_text())
    assert set(review) == {"refused", "examined", "state", "listed", "callable"}
    assert {*review["callable"].values(), *review["state"].values()} <= set(RULES)
    assert {rule for tier in review["listed"].values() for rule in tier.split()[1:]} <= set(RULES)
    assert all(review["refused"].values())
    assert all(review["examined"].values())


def test_the_data_files_hold_sorted_lines_and_several_releases() -> None:
    files = [path for path in FOLDER.glob("*.toml") if path.name != "review.toml"]
    assert len(files) >= 15
    for path in files:
        data = tomllib.loads(path.read_text())
        # Of PyTorch one build for processors is to be had, and the last release of pytz is as good as any.
        assert len(data["library"]["releases"]) >= (1 if path.stem in ("torch", "pytz") else 2), path.stem
        for tier in ("new-only", "callable", "import-only"):
            lines = data.get(tier, {"globals": ""})["globals"].splitlines()
            names = [line.split()[0] for line in lines]
            assert names == sorted(set(names))


def test_every_entry_stands_in_the_file_that_is_read_for_its_module() -> None:
    files = {path.stem: path.read_text() for path in FOLDER.glob("*.toml") if path.name != "review.toml"}
    for name, text in files.items():
        for allowed in load_shipped_file(text):
            assert library_of(allowed.ref.module) == name
            assert allowed.library == name
    assert {library_of(f"{top}.x") for top in ("numpy", "torch", "os", "statsmodels", "imblearn")} <= set(
        files
    )


def test_trying_what_is_clean_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try", "python"]) == 0
    assert capsys.readouterr().out == ""


def test_traces_are_kept_one_file_a_library(tmp_path: Path) -> None:
    assert main(["trace", str(tmp_path), "python"]) == 0
    (path,) = tmp_path.iterdir()
    assert path.name == "python.jsonl"
    assert from_text(path.read_text())[1].imports
