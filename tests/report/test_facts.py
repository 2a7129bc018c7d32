"""The same words in every report."""

from __future__ import annotations

import dataclasses

from secureload.report.facts import counted, facts, member_lines
from secureload.report.report import ReportConfinement

from .samples import accepted, archive, unreadable


def test_what_could_not_be_read_has_no_facts() -> None:
    assert facts(unreadable()) == ()


def test_facts_name_only_what_is_known() -> None:
    labels = [label for label, _ in facts(accepted())]
    assert labels == ["format", "size", "read", "protocol", "would do"]
    part = dataclasses.replace(
        accepted().parts[0],
        reason="it says so",
        compression="gzip",
        name_disagrees="the name ends in .txt",
        versions=(("numpy", "2.0"),),
    )
    rows = dict(facts(dataclasses.replace(accepted(), parts=(part,))))
    assert rows["format"] == "a pickle: it says so"
    assert rows["compression"] == "gzip, 2,048 bytes expanded"
    assert rows["name"] == "the name ends in .txt"
    assert rows["saved with"] == "numpy 2.0"


def test_members_with_findings_are_kept_where_not_all_fit() -> None:
    lines, more = member_lines(archive(100), 3)
    assert [line.name for line in lines] == ["archive/000.pkl", "inside.pkl", "archive/099.pkl"]
    assert more == 97
    assert lines[1].depth == 1


def test_one_is_not_several() -> None:
    assert (counted(1, "file"), counted(1_000, "file")) == ("1 file", "1,000 files")


def test_the_sandbox_is_told_with_what_is_missing_of_it() -> None:
    layers = (("landlock", "unavailable", "no"), ("seccomp", "enforced", "strict"))
    confined = ReportConfinement(level="standard", layers=layers)
    rows = dict(facts(dataclasses.replace(accepted(), confinement=confined)))
    assert rows["examined"] == "in a sandbox, level standard, without landlock"
