from __future__ import annotations

import dataclasses

import pytest

from secureload.report.report import (
    NOTHING_FOUND,
    ReportCoverage,
    ReportFinding,
    conclusion,
    ordered_findings,
)

from .samples import accepted, rejected


@pytest.mark.parametrize("exit_code", [1, 2, 3, 4, 5, 99, -1, 130])
def test_nothing_found_is_never_said_with_another_exit_code_than_0(exit_code: int) -> None:
    sentence = conclusion(dataclasses.replace(accepted(), exit_code=exit_code))
    assert NOTHING_FOUND not in sentence
    assert sentence


def test_nothing_found_is_said_where_all_is_accepted() -> None:
    assert conclusion(accepted()) == "Nothing found in what was examined"


def test_nothing_found_is_not_said_where_nothing_was_examined() -> None:
    nothing = ReportCoverage(members_examined=0, members_skipped=3, bytes_total=9, bytes_examined=0)
    for coverage in (None, nothing):
        assert conclusion(dataclasses.replace(accepted(), coverage=coverage)) != NOTHING_FOUND


@pytest.mark.parametrize("severity", ["dangerous", "unknown", "a word from the future"])
def test_nothing_found_is_not_said_over_a_serious_finding(severity: str) -> None:
    finding = ReportFinding(id="x", severity=severity, title="t")  # type: ignore[arg-type]  # what is no severity
    assert conclusion(dataclasses.replace(accepted(), findings=(finding,))) != NOTHING_FOUND


def test_a_note_does_not_keep_nothing_found_from_being_said() -> None:
    finding = ReportFinding(id="SL301", severity="note", title="saved under scikit-learn 1.3.2")
    assert conclusion(dataclasses.replace(accepted(), findings=(finding,))) == NOTHING_FOUND


def test_findings_stand_in_the_order_of_their_severity_and_then_of_their_place() -> None:
    found = [finding.severity for finding in ordered_findings(rejected())]
    assert found == ["dangerous", "unknown", "warning", "note"]
    late, early = (ReportFinding(id="SL102", severity="unknown", title="t", offset=at) for at in (1_000, 9))
    assert ordered_findings(dataclasses.replace(rejected(), findings=(late, early))) == (early, late)


def test_a_finding_says_where_it_is_as_far_as_that_is_known() -> None:
    place = {"member": "data.pkl", "offset": 1_234, "opcode": "REDUCE"}
    finding = ReportFinding(id="SL101", severity="dangerous", title="t", **place)  # type: ignore[arg-type]
    assert finding.location == "data.pkl, offset 1,234, REDUCE"
    assert ReportFinding(id="SL101", severity="dangerous", title="t").location == ""
