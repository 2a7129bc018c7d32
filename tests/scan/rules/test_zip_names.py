from __future__ import annotations

import pytest

from secureload.scan.finding import Severity
from secureload.scan.rules.zip_names import GRADES, RULE_ID, check

from .observed import observed


@pytest.mark.parametrize("code", ["zip.unsafe-name", "zip.link", "zip.special-file", "zip.folder-with-data"])
def test_what_writes_elsewhere_is_dangerous(code: str) -> None:
    (finding,) = check(observed(code))
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.DANGEROUS)


def test_ambiguous_names_are_undecided_and_similar_ones_only_told() -> None:
    (double,) = check(observed("zip.duplicate-name"))
    (similar,) = check(observed("zip.similar-names"))
    assert (double.severity, similar.severity) == (Severity.UNKNOWN, Severity.WARNING)
    assert "zip.odd-name" in GRADES


def test_other_observations_are_left_to_other_rules() -> None:
    assert list(check(observed("tar.link", "zip.overlap"))) == []
