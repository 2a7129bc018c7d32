from __future__ import annotations

import pytest

from secureload.formats.readers import gguf_file
from secureload.scan.finding import Severity
from secureload.scan.rules import gguf_structure as rule
from tests.formats.readers.test_gguf_file import VALID, model

from .observing import findings, graded_codes, observed_codes


@pytest.mark.parametrize(
    ("data", "severity"),
    [
        (VALID + b"PK\x03\x04", Severity.DANGEROUS),
        (model().string("general.architecture", "x").encoded(), Severity.DANGEROUS),
        (VALID[:-3], Severity.UNKNOWN),
        (model().tensor("a", (8,), 99, 0).encoded(), Severity.UNKNOWN),
    ],
)
def test_a_file_that_does_not_fit_together_is_graded(data: bytes, severity: Severity) -> None:
    (finding,) = findings(rule, gguf_file, data)
    assert finding.severity is severity


def test_an_ordinary_file_is_silent() -> None:
    assert findings(rule, gguf_file, VALID) == []


def test_every_code_of_the_reader_is_graded() -> None:
    codes = observed_codes(gguf_file, "gguf")
    assert len(codes) >= 10
    assert codes <= graded_codes()
