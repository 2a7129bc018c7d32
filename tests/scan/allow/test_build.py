"""The build script: its data files are whole, and its arguments are checked."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from secureload.scan import allow
from secureload.scan.allow.build import main
from secureload.scan.arguments import RULES

FOLDER = Path(allow.__file__).parent


@pytest.mark.parametrize("arguments", [[], ["merge"], ["collect"], ["fetch", "x"]])
def test_arguments_that_are_not_understood_show_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "collect" in capsys.readouterr().out


def test_every_rule_that_the_review_names_exists() -> None:
    review = tomllib.loads((FOLDER / "review.toml").read_text())
    assert set(review) == {"refused", "state", "listed", "callable"}
    assert {*review["callable"].values(), *review["state"].values()} <= set(RULES)
    assert all(review["refused"].values())


def test_the_data_files_hold_sorted_lines_and_several_releases() -> None:
    files = [path for path in FOLDER.glob("*.toml") if path.name != "review.toml"]
    assert len(files) == 7
    for path in files:
        data = tomllib.loads(path.read_text())
        assert len(data["library"]["releases"]) >= 2
        for tier in ("new-only", "callable", "import-only"):
            lines = data.get(tier, {"globals": ""})["globals"].splitlines()
            names = [line.split()[0] for line in lines]
            assert names == sorted(set(names))
