from __future__ import annotations

from secureload.scan.finding import Severity
from secureload.scan.rules.numpy_file import GRADES, RULE_ID, check

from .observed import observed


def test_objects_and_several_arrays_are_told_and_change_no_verdict() -> None:
    for code in GRADES:
        (finding,) = check(observed(code))
        assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.NOTE)
        assert (finding.location.member, finding.location.offset) == ("member", 7)


def test_a_plain_array_is_silent() -> None:
    assert list(check(observed())) == []
