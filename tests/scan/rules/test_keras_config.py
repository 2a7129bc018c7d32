from __future__ import annotations

import pytest

from secureload.scan.finding import Severity
from secureload.scan.rules.keras_config import GRADES, RULE_ID, check

from .observed import observed


@pytest.mark.parametrize(
    "code", ["keras.lambda", "keras.code", "keras.loads-code", "keras.no-part", "keras.path-outside",
             "keras.tensorflow-function", "keras.repeated-key"]
)  # fmt: skip
def test_code_and_files_from_elsewhere_are_dangerous(code: str) -> None:
    (finding,) = check(observed(code))
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.DANGEROUS)


@pytest.mark.parametrize("code", ["keras.path", "keras.odd-object"])
def test_what_nobody_can_tell_is_undecided(code: str) -> None:
    (finding,) = check(observed(code))
    assert finding.severity is Severity.UNKNOWN


def test_members_that_keras_does_not_read_are_only_told() -> None:
    (finding,) = check(observed("keras.unread-member"))
    assert finding.severity is Severity.NOTE
    assert "keras.unread-member" in GRADES


def test_other_observations_are_left_to_other_rules() -> None:
    assert list(check(observed("zip.prefix"))) == []
