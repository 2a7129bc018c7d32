"""What the package needs of its own files is there."""

from __future__ import annotations

import importlib
import json
import pkgutil
import zipfile
from pathlib import Path

import pytest

import secureload.formats.readers
import secureload.scan.rules
from secureload.package_data import module_names, packaged_text


def test_the_schema_of_the_report_is_in_the_package() -> None:
    assert json.loads(packaged_text("secureload.report", "schema/report-v1.json"))["title"]


def test_a_file_that_is_missing_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        packaged_text("secureload.report", "nothing.txt")


def test_the_modules_of_a_package_are_found_as_pkgutil_finds_them() -> None:
    for package in (secureload.scan.rules, secureload.formats.readers):
        assert module_names(package) == tuple(
            sorted(info.name for info in pkgutil.iter_modules(package.__path__))
        )


def test_the_modules_of_a_package_that_is_no_folder_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        for name in ("__init__", "one", "two"):
            archive.writestr(f"in_a_zip/{name}.py", "")
    monkeypatch.syspath_prepend(str(tmp_path / "packed.zip"))
    assert module_names(importlib.import_module("in_a_zip")) == ("one", "two")
