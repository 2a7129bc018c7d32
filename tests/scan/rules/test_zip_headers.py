from __future__ import annotations

import pytest

from secureload.scan.finding import Severity
from secureload.scan.rules.zip_headers import GRADES, RULE_ID, check

from .observed import observed


@pytest.mark.parametrize(
    "code",
    ["zip.names-differ", "zip.method-differ", "zip.encryption-lies", "zip.two-directories", "zip.unlisted"],
)
def test_an_archive_that_was_made_to_deceive_is_dangerous(code: str) -> None:
    (finding,) = check(observed(code))
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.DANGEROUS)
    assert finding.location.member == "member"


@pytest.mark.parametrize(
    "code", ["zip.flags-differ", "zip.crc-differ", "zip.count-differs", "zip.several-dialects"]
)
def test_what_may_be_damage_is_undecided(code: str) -> None:
    (finding,) = check(observed(code))
    assert finding.severity is Severity.UNKNOWN


def test_nothing_in_it_is_harmless_and_other_codes_are_left_to_other_rules() -> None:
    assert {grade.severity for grade in GRADES.values()} == {Severity.DANGEROUS, Severity.UNKNOWN}
    assert list(check(observed("zip.crc-wrong", "npz.not-an-array"))) == []
