from __future__ import annotations

import pytest

from secureload.scan.finding import Severity
from secureload.scan.rules.torchscript_code import GRADES, RULE_ID, check

from .observed import observed


def test_operators_that_reach_outside_are_dangerous() -> None:
    (finding,) = check(observed("torchscript.outside"))
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.DANGEROUS)


def test_operators_of_others_are_undecided() -> None:
    (finding,) = check(observed("torchscript.unknown-operator"))
    assert finding.severity is Severity.UNKNOWN


@pytest.mark.parametrize("code", ["torchscript.code", "torchscript.runs-on-load"])
def test_code_of_plain_operators_is_only_told(code: str) -> None:
    (finding,) = check(observed(code))
    assert finding.severity is Severity.NOTE
    assert code in GRADES


def test_other_observations_are_left_to_other_rules() -> None:
    assert list(check(observed("torch.package"))) == []
