from __future__ import annotations

from secureload.scan.finding import Severity
from secureload.scan.rules.version_differs import RULE_ID, check

from .cases import case

SAVED = (("scikit-learn", "1.5.2"),)


def test_another_version_is_a_warning_that_names_both() -> None:
    (finding,) = check(case(versions=SAVED, installed={"scikit-learn": "1.9.1"}))
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.WARNING)
    assert "1.5.2" in finding.title
    assert "1.9.1" in finding.title
    assert "scikit-learn==1.5.2" in finding.hint


def test_a_library_that_is_not_installed_is_said_to_be_missing() -> None:
    (finding,) = check(case(versions=SAVED))
    assert "is not installed here" in finding.title


def test_the_same_version_is_silent() -> None:
    assert list(check(case(versions=SAVED, installed={"scikit-learn": "1.5.2"}))) == []
    assert list(check(case(installed={"scikit-learn": "1.9.1"}))) == []
