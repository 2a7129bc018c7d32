from __future__ import annotations

import pytest

from secureload.scan.finding import Severity
from secureload.scan.rules.torch_archive import GRADES, RULE_ID, check

from .observed import observed


@pytest.mark.parametrize(
    ("code", "severity"),
    [("torch.several-pickles", Severity.UNKNOWN), ("torch.package", Severity.UNKNOWN),
     ("torch.outside-root", Severity.NOTE)],
)  # fmt: skip
def test_each_code_has_its_severity(code: str, severity: Severity) -> None:
    (finding,) = check(observed(code))
    assert (finding.rule_id, finding.severity) == (RULE_ID, severity)
    assert code in GRADES


@pytest.mark.parametrize("code", ["torch.evaluated-text", "torch.repeated-key"])
def test_code_in_the_place_of_a_size_is_dangerous(code: str) -> None:
    (finding,) = check(observed(code))
    assert finding.severity is Severity.DANGEROUS


@pytest.mark.parametrize("code", ["torch.unknown-expression", "torch.unknown-target", "torch.compiled"])
def test_what_nobody_can_tell_is_undecided(code: str) -> None:
    (finding,) = check(observed(code))
    assert finding.severity is Severity.UNKNOWN


def test_other_observations_are_left_to_other_rules() -> None:
    assert list(check(observed("torchscript.code"))) == []
