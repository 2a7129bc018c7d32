"""The report about a run of the command: every file that it was about, and what follows from all of them."""

from __future__ import annotations

from typing import Final

from secureload.report.report import (
    Report,
    ReportCoverage,
    ReportSignature,
    conclusion_of,
    exit_rank,
    has_serious,
)
from secureload.values import dataclass, field

__all__ = ["OUTCOMES", "Run", "counts", "ordered_reports", "run_conclusion", "serious_findings"]

# The outcomes by their exit codes, in the order in which they are counted.
OUTCOMES: Final = {
    0: "accepted",
    1: "rejected",
    3: "undecided",
    4: "untrusted",
    2: "not examined",
    5: "failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: ``locator`` is what was asked for, ``reports`` has one report a file, in order.

    ``single`` is whether one file was asked for: then its report says it all. ``skipped`` holds (name, why) of
    what needs no examination, ``signatures`` what vouches for folders as a whole, ``not_reached`` how many
    files were left when it was interrupted. ``fail_on`` is the severity from which a finding counts.
    ``allow_command`` is a complete command that allows all that is unknown by its names.
    """

    locator: str
    outcome: str
    exit_code: int
    tool_version: str
    summary: str = ""
    hint: str = ""
    single: bool = False
    fail_on: str = "unknown"
    reports: tuple[Report, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    signatures: tuple[ReportSignature, ...] = ()
    coverage: ReportCoverage = field(
        default=ReportCoverage(members_examined=0, bytes_total=0, bytes_examined=0)
    )
    not_reached: int = 0
    unknown_globals: tuple[str, ...] = ()
    allow_command: str = ""


def counts(run: Run) -> dict[str, int]:
    """Return how many files there are in all, were examined and skipped, and how many have each outcome."""
    found = {
        "files": len(run.reports) + len(run.skipped) + run.not_reached,
        "examined": run.coverage.members_examined,
        "skipped": len(run.skipped),
        "not_reached": run.not_reached,
    }
    for code, word in OUTCOMES.items():
        found[word.replace(" ", "_")] = sum(report.exit_code == code for report in run.reports)
    return found


def ordered_reports(run: Run) -> tuple[Report, ...]:
    """Return the reports of the files, the worst first; equal ones by name."""
    return tuple(sorted(run.reports, key=lambda report: (exit_rank(report.exit_code), report.locator)))


def run_conclusion(run: Run) -> str:
    """Return the sentence that the run ends with; see :func:`~secureload.report.report.conclusion_of`."""
    clean = (
        run.coverage.members_examined > 0
        and not run.not_reached
        and not any(report.exit_code or has_serious(report) for report in run.reports)
    )
    return conclusion_of(run.exit_code, clean=clean)


def serious_findings(report: Report) -> int:
    """Return how many of the findings are dangerous or unknown."""
    return sum(finding.severity not in ("warning", "note") for finding in report.findings)
