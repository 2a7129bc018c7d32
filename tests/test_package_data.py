"""What the package needs of its own files is there."""

from __future__ import annotations

import json

import pytest

from secureload.package_data import packaged_text


def test_the_schema_of_the_report_is_in_the_package() -> None:
    assert json.loads(packaged_text("secureload.report", "schema/report-v1.json"))["title"]


def test_a_file_that_is_missing_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        packaged_text("secureload.report", "nothing.txt")
