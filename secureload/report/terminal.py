"""The report for a terminal. Text of an artifact is never read as markup, a link or an escape."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from secureload.report.printed import printed
from secureload.report.report import (
    Report,
    ReportCoverage,
    ReportFinding,
    ReportMember,
    ReportSection,
    conclusion,
    ordered_findings,
    ordered_members,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

__all__ = ["render_text"]

_TEXT_CHARS: Final = 400
_SOURCE_LINES: Final = 60
_MOST_FINDINGS: Final = 100
_MOST_MEMBERS: Final = 200
_MOST_SKIPPED: Final = 20
_LEAST_WIDTH: Final = 40
_MOST_WIDTH: Final = 500

_SEVERITY_STYLES: Final = {"dangerous": "bold red", "unknown": "yellow", "warning": "yellow", "note": "dim"}
_EXIT_STYLES: Final = {0: "green", 1: "bold red", 4: "red"}


def render_text(report: Report, *, color: bool, width: int) -> str:
    """Return the report as lines of at most ``width`` columns (40 to 500), each ended by a newline.

    Without ``color`` there is no escape sequence in it; the environment is not looked at.
    """
    from rich.console import Console  # an import that only a report needs

    shown = printed(report, text_chars=_TEXT_CHARS, source_lines=_SOURCE_LINES)
    out = io.StringIO()
    console = Console(
        file=out,
        width=max(_LEAST_WIDTH, min(width, _MOST_WIDTH)),
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        _environ={},
    )
    _render(console, shown)
    return "".join(line.rstrip(" ") + "\n" for line in out.getvalue().split("\n")[:-1])


def _render(console: Console, report: Report) -> None:
    style = _EXIT_STYLES.get(report.exit_code, "yellow")
    _hanging(console, _line((report.title, "bold"), (f" {report.locator}", "")))
    if report.digest:
        _indented(console, f"sha256 {report.digest}")
    _hanging(console, _line((report.outcome, style), (f": {report.summary}" if report.summary else "", "")))
    for section in report.sections:
        _section(console, section)
    if report.members:
        _members(console, ordered_members(report))
    if report.findings:
        _findings(console, ordered_findings(report))
    if report.decompiled:
        _heading(console, "What it would do, decompiled")
        for line in report.decompiled.split("\n"):
            _indented(console, line, "  │ ")
    if report.signatures:
        _heading(console, "Signatures")
        for line in report.signatures:
            _indented(console, line)
    if report.coverage is not None:
        _coverage(console, report.coverage)
    _end(console, report, style)


def _end(console: Console, report: Report, style: str) -> None:
    console.print()
    if report.admission:
        _hanging(console, _line((f"Policy: {report.admission}", "")))
    _hanging(console, _line((conclusion(report) + ".", style)))
    if report.hint:
        _hanging(console, _line((f"Hint: {report.hint}", "")))


def _section(console: Console, section: ReportSection) -> None:
    from rich.table import Table

    _heading(console, section.heading)
    if section.rows:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(overflow="fold")
        table.add_column(overflow="fold")
        for label, value in section.rows:
            table.add_row(_line((f"  {label}", "dim")), _line((value, "")))
        console.print(table)
    for line in section.lines:
        _indented(console, line)


def _findings(console: Console, findings: tuple[ReportFinding, ...]) -> None:
    _heading(console, f"Findings ({len(findings):,})")
    for finding in findings[:_MOST_FINDINGS]:
        style = _SEVERITY_STYLES.get(finding.severity, "bold red")
        head = _line(
            (f"{finding.severity:<10}", style), (finding.title, "bold"), (f"  [{finding.id}]", "dim")
        )
        _hanging(console, head, "  ", " " * 12)
        for label, text in (("at", finding.location), ("", finding.detail), ("hint:", finding.hint)):
            if text:
                _indented(console, f"{label} {text}".strip(), " " * 12)
    if len(findings) > _MOST_FINDINGS:
        _indented(console, f"and {len(findings) - _MOST_FINDINGS:,} more; the JSON report has them all")


def _members(console: Console, members: tuple[ReportMember, ...]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    _heading(console, f"Files ({len(members):,})")
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("Outcome", no_wrap=True)
    table.add_column("Findings", justify="right", no_wrap=True)
    table.add_column("Bytes", justify="right", no_wrap=True)
    table.add_column("File", overflow="fold")
    for member in members[:_MOST_MEMBERS]:
        style = _EXIT_STYLES.get(member.exit_code, "yellow")
        counts = (_line((f"{number:,}", "")) for number in (member.findings, member.size))
        table.add_row(_line((member.outcome, style)), *counts, _line((member.name, "")))
    console.print(table)
    if len(members) > _MOST_MEMBERS:
        _indented(console, f"and {len(members) - _MOST_MEMBERS:,} more; the JSON report has them all")
    totals: dict[str, int] = {}
    for member in members:
        totals[member.outcome] = totals.get(member.outcome, 0) + 1
    _indented(console, ", ".join(f"{count:,} {outcome}" for outcome, count in totals.items()))


def _coverage(console: Console, coverage: ReportCoverage) -> None:
    _heading(console, "Coverage")
    files = "file" if coverage.members_examined == 1 else "files"
    _indented(
        console,
        f"{coverage.members_examined:,} {files} examined, {coverage.members_skipped:,} not examined; "
        f"{coverage.bytes_examined:,} of {coverage.bytes_total:,} bytes accounted for, "
        f"{coverage.bytes_unreadable:,} unreadable",
    )
    for name, why in coverage.skipped[:_MOST_SKIPPED]:
        _indented(console, f"not examined: {name} ({why})")
    if len(coverage.skipped) > _MOST_SKIPPED:
        _indented(
            console, f"and {len(coverage.skipped) - _MOST_SKIPPED:,} more; the JSON report has them all"
        )


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(_line((text, "bold")))


def _indented(console: Console, text: str, indent: str = "  ") -> None:
    """Print ``text`` with ``indent`` before every line that it is wrapped into."""
    _hanging(console, _line((text, "")), indent, indent)


def _hanging(console: Console, text: Text, first: str = "", rest: str = "    ") -> None:
    """Print ``text`` with ``first`` before its first line and ``rest`` before the others.

    So a long text from an artifact cannot be laid out to begin a line of its own, such as our conclusion.
    """
    indent = first
    for line in text.wrap(console, console.width - max(len(first), len(rest)), overflow="fold"):
        console.print(_line((indent, "dim")) + line, no_wrap=True, overflow="ignore", crop=False)
        indent = rest


def _line(*parts: tuple[str, str]) -> Text:
    """Return a text of (words, style) parts; the words are never parsed."""
    from rich.text import Text

    return Text.assemble(*parts, overflow="fold")
