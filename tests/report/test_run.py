"""Many files: counted, ordered, and never concluded to be clean where one is not."""

from __future__ import annotations

import dataclasses

import pytest

from secureload.report.report import NOTHING_FOUND
from secureload.report.run import OUTCOMES, counts, ordered_reports, run_conclusion

from .samples import accepted, rejected, several, unreadable


def test_the_worst_files_come_first_whatever_their_names() -> None:
    codes = (0, 3, 5, 1, 4, 2)
    reports = [dataclasses.replace(accepted(), locator=str(code), exit_code=code) for code in codes]
    assert [report.exit_code for report in ordered_reports(several(*reports))] == [1, 4, 3, 5, 2, 0]


def test_every_file_is_counted_once_by_its_outcome() -> None:
    run = several(accepted(), rejected(), unreadable(), not_reached=2)
    found = counts(run)
    assert found["files"] == 6
    assert (found["accepted"], found["rejected"], found["undecided"]) == (1, 1, 1)
    assert (found["examined"], found["skipped"], found["not_reached"]) == (2, 1, 2)
    outcomes = sum(found[word.replace(" ", "_")] for word in OUTCOMES.values())
    assert outcomes == len(run.reports)


def test_nothing_found_is_said_of_many_that_are_all_accepted() -> None:
    assert run_conclusion(several(accepted(), accepted(), exit_code=0)) == NOTHING_FOUND


@pytest.mark.parametrize(
    "run",
    [
        several(accepted(), unreadable(), exit_code=0),
        several(exit_code=0),
        several(accepted(), exit_code=0, not_reached=1),
        several(accepted(), exit_code=3),
        several(accepted(), exit_code=130, not_reached=1),
    ],
    ids=["one is undecided", "there is none", "one is left", "exit code 3", "interrupted"],
)
def test_nothing_found_is_not_said_otherwise(run: object) -> None:
    assert run_conclusion(run) != NOTHING_FOUND  # type: ignore[arg-type]
