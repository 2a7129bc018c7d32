from __future__ import annotations

import pytest

from secureload.scan.finding import Severity
from secureload.scan.rules.skops_schema import GRADES, RULE_ID, check

from .observed import observed


@pytest.mark.parametrize(
    "code",
    ["skops.class-differs", "skops.attribute", "skops.bit-generator", "skops.key-type", "skops.repeated-key"],
)
def test_a_node_that_says_one_thing_and_does_another_is_dangerous(code: str) -> None:
    (finding,) = check(observed(code))
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.DANGEROUS)


@pytest.mark.parametrize(
    "code", ["skops.unknown-loader", "skops.odd-node", "skops.method", "skops.missing-member"]
)
def test_what_nobody_can_tell_is_undecided(code: str) -> None:
    (finding,) = check(observed(code))
    assert finding.severity is Severity.UNKNOWN


def test_members_that_skops_does_not_read_are_only_told() -> None:
    (finding,) = check(observed("skops.unnamed-member"))
    assert finding.severity is Severity.NOTE
    assert "skops.unnamed-member" in GRADES


def test_other_observations_are_left_to_other_rules() -> None:
    assert list(check(observed("zip.prefix"))) == []
