from __future__ import annotations

import pytest

from secureload.formats.readers import safetensors_file
from secureload.scan.finding import Severity
from secureload.scan.rules import safetensors_two_readings as rule
from tests.formats.readers.test_safetensors_file import VALID, encoded, entry

from .observing import findings, graded_codes, observed_codes

ONE = {"a": entry("U8", [1], 0, 1)}
DECEIVING = {
    "a polyglot tail": encoded(ONE, b"aPK\x05\x06"),
    "bytes between two tensors": encoded({**ONE, "b": entry("U8", [1], 4, 5)}, b"a\x80\x04.b"),
    "tensors that share bytes": encoded({**ONE, "b": entry("U8", [1], 0, 1)}, b"a"),
    "a tensor named twice": encoded(b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{}}'),
}


@pytest.mark.parametrize("name", DECEIVING)
def test_a_file_with_two_readings_is_rejected(name: str) -> None:
    assert [finding.severity for finding in findings(rule, safetensors_file, DECEIVING[name])] == [
        Severity.DANGEROUS
    ]


def test_an_ordinary_file_is_silent() -> None:
    assert findings(rule, safetensors_file, VALID) == []


def test_a_file_that_was_cut_off_is_no_deception() -> None:
    assert findings(rule, safetensors_file, VALID[:-5]) == []


def test_every_code_of_the_reader_is_graded() -> None:
    codes = observed_codes(safetensors_file, "safetensors") | set(rule.GRADES)
    assert len(codes) > 15
    assert codes <= graded_codes()
