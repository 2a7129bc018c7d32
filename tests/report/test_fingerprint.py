"""A fingerprint tells the same finding again, and no other."""

from __future__ import annotations

import dataclasses

from secureload.report.fingerprint import fingerprints

from .samples import rejected


def test_offsets_and_names_of_files_do_not_change_it() -> None:
    moved = tuple(dataclasses.replace(finding, offset=9_999) for finding in rejected().findings)
    again = dataclasses.replace(rejected(), locator="other.pkl", digest="ef" * 32, findings=moved)
    before = {finding.title: mark for finding, mark in fingerprints(rejected())}
    after = {finding.title: mark for finding, mark in fingerprints(again)}
    assert before == after


def test_equal_findings_in_two_places_are_two() -> None:
    finding = rejected().findings[0]
    twice = dataclasses.replace(rejected(), findings=(finding, dataclasses.replace(finding, offset=5)))
    marks = [mark for _, mark in fingerprints(twice)]
    assert len(set(marks)) == 2


def test_another_member_or_rule_or_title_is_another() -> None:
    finding = rejected().findings[0]
    others = (
        finding,
        dataclasses.replace(finding, member="inner"),
        dataclasses.replace(finding, id="SL999"),
        dataclasses.replace(finding, title="\ud800"),
    )
    marks = {mark for _, mark in fingerprints(dataclasses.replace(rejected(), findings=others))}
    assert len(marks) == 4
