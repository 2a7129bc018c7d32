"""The report as a plain value, made from the values of the other stages; rendering is done elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

__all__ = [
    "NOTHING_FOUND",
    "SEVERITIES",
    "Report",
    "ReportCoverage",
    "ReportFinding",
    "ReportMember",
    "ReportSection",
    "Severity",
    "conclusion",
    "ordered_findings",
    "ordered_members",
]

Severity: TypeAlias = Literal["dangerous", "unknown", "warning", "note"]

# The worst first. "unknown" is what nobody has vouched for, and what could not be examined.
SEVERITIES: Final[tuple[Severity, ...]] = ("dangerous", "unknown", "warning", "note")

NOTHING_FOUND: Final = "Nothing found in what was examined"

# Which exit code is worse, as errors.ExitCode.worst has it.
_EXIT_CODE_ORDER: Final = (1, 4, 3, 5, 2, 0)
_CONCLUSIONS: Final = {
    0: "Accepted, with the findings above",
    1: "Rejected: it holds something dangerous; do not load it",
    2: "Not examined: what was asked for cannot be done",
    3: "Undecided: not all of it is known or could be examined",
    4: "Untrusted: nobody whom you trust vouches for these bytes",
    5: "Not examined to the end: secureload or its environment failed",
}


@dataclass(frozen=True, slots=True)
class ReportFinding:
    """One finding: its rule's ``id``, where it is (a member, an offset) and what to do about it."""

    id: str
    severity: Severity
    title: str
    location: str = ""
    detail: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A part of the report with a heading: label and value pairs, then lines."""

    heading: str
    rows: tuple[tuple[str, str], ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportCoverage:
    """What was looked at, in members and in bytes; ``skipped`` names members that were not, and why."""

    members_examined: int
    members_skipped: int = 0
    bytes_total: int
    bytes_examined: int
    bytes_unreadable: int = 0
    skipped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMember:
    """One line of the summary of many files; ``size`` in bytes."""

    name: str
    outcome: str
    exit_code: int
    size: int = 0
    findings: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that is said about one artifact.

    ``outcome`` is the verdict's word and ``exit_code`` what the command ends with. ``signatures`` has a line
    a signature, ``decompiled`` is source text of many lines, ``admission`` says by which policy it is
    admitted or why not. Text may come from an artifact as it is: the renderers make it printable.
    """

    title: str
    locator: str
    outcome: str
    exit_code: int
    summary: str = ""
    digest: str = ""
    sections: tuple[ReportSection, ...] = ()
    findings: tuple[ReportFinding, ...] = ()
    coverage: ReportCoverage | None = None
    signatures: tuple[str, ...] = ()
    members: tuple[ReportMember, ...] = ()
    decompiled: str = ""
    admission: str = ""
    hint: str = ""


def ordered_findings(report: Report) -> tuple[ReportFinding, ...]:
    """Return the findings, the worst first; equal ones by location and id."""
    return tuple(
        sorted(
            report.findings, key=lambda found: (_rank(found.severity), found.location, found.id, found.title)
        )
    )


def ordered_members(report: Report) -> tuple[ReportMember, ...]:
    """Return the members of the summary, the worst first; equal ones by name."""
    return tuple(sorted(report.members, key=lambda member: (_exit_rank(member.exit_code), member.name)))


def conclusion(report: Report) -> str:
    """Return the sentence that the report ends with.

    :data:`NOTHING_FOUND` is said with exit code 0 alone, and only where something was examined and no finding
    is dangerous or unknown.
    """
    if report.exit_code == 0 and not _has_serious(report) and _has_examined(report):
        return NOTHING_FOUND
    return _CONCLUSIONS.get(report.exit_code, _CONCLUSIONS[5])


def _has_serious(report: Report) -> bool:
    serious = any(finding.severity not in ("warning", "note") for finding in report.findings)
    return serious or any(member.exit_code != 0 for member in report.members)


def _has_examined(report: Report) -> bool:
    return report.coverage is not None and report.coverage.members_examined > 0


def _rank(severity: str) -> int:
    # A word that is not known is not taken for a harmless one.
    return SEVERITIES.index(severity) if severity in SEVERITIES else 0


def _exit_rank(code: int) -> int:
    return _EXIT_CODE_ORDER.index(code) if code in _EXIT_CODE_ORDER else 0
