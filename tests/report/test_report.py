from __future__ import annotations

import dataclasses

import pytest

from secureload.report.report import (
    NOTHING_FOUND,
    ReportCoverage,
    ReportFinding,
    ReportMember,
    conclusion,
    ordered_findings,
    ordered_members,
)

from .samples import accepted, many, rejected


@pytest.mark.parametrize("exit_code", [1, 2, 3, 4, 5, 99, -1])
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
    finding = ReportFinding("x", severity, "title")  # type: ignore[arg-type]  # also what is no severity
    assert conclusion(dataclasses.replace(accepted(), findings=(finding,))) != NOTHING_FOUND


def test_a_note_does_not_keep_nothing_found_from_being_said() -> None:
    finding = ReportFinding("old-version", "note", "saved under scikit-learn 1.3.2")
    assert conclusion(dataclasses.replace(accepted(), findings=(finding,))) == NOTHING_FOUND


def test_nothing_found_is_not_said_where_a_member_is_not_accepted() -> None:
    member = ReportMember(name="a", outcome="UNDECIDED", exit_code=3)
    assert conclusion(dataclasses.replace(accepted(), members=(member,))) != NOTHING_FOUND


def test_findings_stand_in_the_order_of_their_severity() -> None:
    found = [finding.severity for finding in ordered_findings(rejected())]
    assert found == ["dangerous", "unknown", "warning", "note"]


def test_the_worst_members_come_first() -> None:
    codes = (0, 3, 5, 1, 4, 2)
    members = tuple(ReportMember(name=str(code), outcome="", exit_code=code) for code in codes)
    ordered = ordered_members(dataclasses.replace(accepted(), members=members))
    assert [member.exit_code for member in ordered] == [1, 4, 3, 5, 2, 0]
    assert ordered_members(many(3))[0].name == "part-0002.pkl"
