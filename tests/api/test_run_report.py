"""Many reports as one run: nothing accepted that was not examined, the worst decides, one hint for all."""

from __future__ import annotations

import itertools
import shlex

from secureload.api.reporting import report_of_error
from secureload.api.run_report import run_of_many, run_of_one
from secureload.errors import (
    ArtifactError,
    BadSignatureError,
    ExitCode,
    SandboxError,
    UsageError,
)
from secureload.report.report import NOTHING_FOUND, Report, ReportCoverage
from secureload.report.run import run_conclusion

ERRORS = (
    UsageError("there is no file", hint="Check the path."),
    ArtifactError("cut off"),
    BadSignatureError("forged"),
    SandboxError("no seccomp"),
)
COVERAGE = ReportCoverage(members_examined=1, bytes_total=1, bytes_examined=1)


def unknown(name: str, *globals_: str, exit_code: int = 3) -> Report:
    return Report(
        locator=name,
        path=name,
        outcome="undecided",
        exit_code=exit_code,
        coverage=COVERAGE,
        unknown_globals=globals_,
    )


def accepted(name: str) -> Report:
    return Report(locator=name, path=name, outcome="accepted", exit_code=0, coverage=COVERAGE)


def test_nothing_examined_is_never_accepted() -> None:
    run = run_of_many("folder", [], [("README.md", "text")])
    assert run.exit_code == ExitCode.UNDECIDED
    assert "nothing was examined" in run.summary
    assert run_conclusion(run) != NOTHING_FOUND


def test_the_worst_file_decides_in_whatever_order() -> None:
    for errors in itertools.permutations(ERRORS):
        reports = [report_of_error(str(number), error) for number, error in enumerate(errors)]
        assert run_of_many("folder", reports, []).exit_code == ExitCode.UNTRUSTED


def test_a_wrong_signature_of_the_whole_counts() -> None:
    run = run_of_many("folder", [accepted("a")], [], trust_error=BadSignatureError("forged", hint="ask"))
    assert (run.exit_code, run.hint) == (4, "ask")
    assert run.summary.startswith("forged")


def test_what_was_interrupted_ends_with_130_whatever_was_found_by_then() -> None:
    run = run_of_many("folder", [accepted("a"), unknown("b")], [], not_reached=7)
    assert (run.exit_code, run.outcome) == (130, "interrupted")
    assert "7 not reached" in run.summary


def test_one_command_allows_every_unknown_global_at_once() -> None:
    reports = [unknown("a b.pkl", "own.mod:One", "own.mod:Two"), unknown("c.pkl", "own.mod:Two")]
    run = run_of_many("2 paths", reports, [], paths=["a b.pkl", "c.pkl"])
    assert run.unknown_globals == ("own.mod:One", "own.mod:Two")
    assert shlex.split(run.allow_command) == [
        "secureload", "check", "a b.pkl", "c.pkl", "--allow", "own.mod:One", "--allow", "own.mod:Two",
    ]  # fmt: skip
    assert run.hint == f"if you know and trust all 2 of them: {run.allow_command}"
    single = run_of_one(unknown("it's.pkl", "own.mod:One"))
    assert shlex.split(single.allow_command)[2] == "it's.pkl"
    assert run_of_one(unknown("", "own.mod:One")).allow_command == "secureload check - --allow own.mod:One"


def test_no_command_is_offered_beside_something_dangerous_or_untrusted() -> None:
    bad = Report(locator="x", outcome="rejected", exit_code=1, coverage=COVERAGE, unknown_globals=("a:B",))
    run = run_of_many("2 paths", [bad, unknown("c.pkl", "own.mod:Two")], [], paths=["x", "c.pkl"])
    assert (run.allow_command, run.hint) == ("", "")
    assert run_of_one(unknown("c.pkl", "own.mod:Two", exit_code=4)).hint == ""


def test_very_many_names_belong_into_a_file() -> None:
    run = run_of_one(unknown("m.pkl", *(f"own.mod:C{number}" for number in range(21))))
    assert run.allow_command == ""
    assert "--allow-file" in run.hint
    assert len(run.unknown_globals) == 21


def test_what_was_not_examined_is_named_with_its_reason() -> None:
    run = run_of_many(
        "folder", [report_of_error("fifo", ArtifactError("a pipe")), accepted("a")], [("s", "text")]
    )
    assert run.coverage.skipped == (("fifo", "a pipe"), ("s", "text"))
    assert (run.coverage.members_examined, run.coverage.members_skipped) == (1, 2)
    assert run.coverage.members_undecided == 1
