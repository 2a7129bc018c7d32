from __future__ import annotations

import pytest

from secureload.scan.finding import Severity
from secureload.scan.rules.zip_checksums import GRADES, RULE_ID, check

from .observed import observed


@pytest.mark.parametrize(
    ("code", "severity"),
    [("zip.crc-wrong", Severity.UNKNOWN), ("zip.size-wrong", Severity.UNKNOWN),
     ("zip.crc-missing", Severity.NOTE), ("zip.crc-unchecked", Severity.NOTE)],
)  # fmt: skip
def test_each_code_has_its_severity(code: str, severity: Severity) -> None:
    (finding,) = check(observed(code))
    assert (finding.rule_id, finding.severity) == (RULE_ID, severity)
    assert code in GRADES


def test_other_observations_are_left_to_other_rules() -> None:
    assert list(check(observed("zip.names-differ"))) == []
