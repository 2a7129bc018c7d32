from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import secureload.scan.allow.by_loader
from secureload.scan.allowlist import load_allow_file

FOLDER = Path(secureload.scan.allow.by_loader.__file__).parent
FILES = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_list_is_sorted_has_its_releases_and_no_dangerous_name(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(load_allow_file(text)) > 10  # it refuses what is graded dangerous
    data = tomllib.loads(text)
    assert len(data["library"]["releases"]) >= 2
    for tier in ("new-only", "callable", "import-only"):
        names = [line.split()[0] for line in data.get(tier, {"globals": ""})["globals"].splitlines()]
        assert names == sorted(set(names))


def test_there_are_lists() -> None:
    assert "skops" in {path.stem for path in FILES}
