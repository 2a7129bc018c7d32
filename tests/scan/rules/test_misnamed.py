from __future__ import annotations

import pytest

from secureload.formats.detect import detect
from secureload.scan.finding import Severity
from secureload.scan.rules import misnamed
from tests.scan.rules.cases import part_case


@pytest.mark.parametrize(
    ("name", "head", "severity"),
    [
        ("weights.safetensors", b"\x80\x04N.", Severity.UNKNOWN),
        ("notes.txt", b"\x80\x04N.", Severity.UNKNOWN),
        ("model.pkl", b"hello, this is text\n", Severity.UNKNOWN),
        ("model.h5", b"PK\x03\x04" + bytes(40), Severity.UNKNOWN),
        ("model.pkl", b"\x93NUMPY" + bytes(60), Severity.WARNING),
        ("model.zip", b"\x80\x04N.", Severity.WARNING),
    ],
)
def test_a_name_that_promises_something_else_is_told(name: str, head: bytes, severity: Severity) -> None:
    detected = detect(head, len(head), name)
    said = part_case(format=detected.format, extension_disagrees=detected.extension_disagrees or "")
    assert [found.severity for found in misnamed.check(said)] == [severity]


@pytest.mark.parametrize("name", ["model.pkl", "model", "model.bin", "model.joblib", "model.pt"])
def test_a_pickle_under_the_name_of_one_is_silent(name: str) -> None:
    detected = detect(b"\x80\x04N.", 4, name)
    said = part_case(format=detected.format, extension_disagrees=detected.extension_disagrees or "")
    assert list(misnamed.check(said)) == []
