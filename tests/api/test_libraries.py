"""Versions by the names of folders are those that the libraries themselves say."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from secureload.api.libraries import installed_versions


@pytest.mark.parametrize(
    "name", ["scikit-learn", "scikit_learn", "Scikit.Learn", "numpy", "typing_extensions"]
)
def test_a_version_is_that_of_the_metadata_however_the_name_is_spelt(name: str) -> None:
    assert installed_versions()[name] == metadata.version(name)


def test_what_is_not_installed_has_no_version() -> None:
    assert installed_versions().get("no-such-library-anywhere") is None
    assert "scikit-learn" in set(installed_versions())
    assert len(installed_versions()) > 5


def test_older_forms_are_read_and_the_first_on_the_path_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, names in (
        ("a", ["Old_Lib-1.2-py3.11.egg-info", "odd.egg-info"]),
        ("b", ["old_lib-9.9.dist-info"]),
    ):
        for name in names:
            (tmp_path / folder / name).mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path / "gone")])
    assert dict(installed_versions()) == {"old-lib": "1.2"}
