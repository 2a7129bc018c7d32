from __future__ import annotations

import pytest

from secureload.scan.finding import Severity
from secureload.scan.rules.zip_loose_bytes import GRADES, RULE_ID, check

from .observed import observed


@pytest.mark.parametrize("code", ["zip.prefix", "zip.gap", "zip.trailing", "zip.empty"])
def test_bytes_of_nobody_and_nothing_at_all_are_undecided(code: str) -> None:
    (finding,) = check(observed(code))
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.UNKNOWN)


@pytest.mark.parametrize("code", ["zip.padding", "npz.not-an-array"])
def test_padding_and_texts_in_an_npz_are_only_told(code: str) -> None:
    (finding,) = check(observed(code))
    assert finding.severity is Severity.NOTE
    assert code in GRADES


def test_other_observations_are_left_to_other_rules() -> None:
    assert list(check(observed("zip.overlap"))) == []
