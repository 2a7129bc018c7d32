from __future__ import annotations

import pytest

from secureload.formats.readers import safetensors_file
from secureload.scan.finding import Severity
from secureload.scan.rules import safetensors_rules as rule
from tests.formats.readers.test_safetensors_file import VALID, encoded, entry

from .observing import findings


@pytest.mark.parametrize(
    "data",
    [
        VALID[:-5],
        (1 << 50).to_bytes(8, "little") + b"{}",
        encoded({"a": entry("U8", [1], 0, 1), "b": entry("F7", [1], 1, 2)}, b"ab"),
        encoded({"a": entry("U8", [7], 0, 1)}, b"a"),
        encoded({"a": entry("U8", [1], 0, 1)}, b"a\0"),
        encoded({"a": None}),
    ],
)
def test_a_broken_rule_leaves_it_undecided(data: bytes) -> None:
    found = findings(rule, safetensors_file, data)
    assert {finding.severity for finding in found} == {Severity.UNKNOWN}


def test_a_file_without_tensors_is_only_told() -> None:
    (finding,) = findings(rule, safetensors_file, encoded({}))
    assert finding.severity is Severity.NOTE


def test_an_ordinary_file_is_silent() -> None:
    assert findings(rule, safetensors_file, VALID) == []
