"""The report for a terminal. Text of an artifact is never read as markup, a link or an escape."""

from __future__ import annotations

from typing import Final

from secureload.report.facts import counted, facts, member_lines
from secureload.report.layout import Page, columns_of
from secureload.report.printed import printed
from secureload.report.report import (
    Report,
    ReportCoverage,
    ReportFinding,
    ReportSignature,
    conclusion,
    ordered_findings,
)
from secureload.report.run import Run, counts, ordered_reports, run_conclusion, serious_findings
from secureload.values import replace

__all__ = ["render_text"]

_TITLE: Final = "secureload check"
_TEXT_CHARS: Final = 400
_SOURCE_LINES: Final = 60
_MOST_FINDINGS: Final = 100
_MOST_PARTS: Final = 40
_MOST_FILES: Final = 200
_MOST_REPORTS: Final = 50
_MOST_SKIPPED: Final = 20
_ALWAYS_COUNTED: Final = frozenset(("files", "examined", "skipped", "undecided", "rejected"))
_MORE: Final = "the JSON report has them all"

_SEVERITY_STYLES: Final = {"dangerous": "bold red", "unknown": "yellow", "warning": "yellow", "note": "dim"}
_EXIT_STYLES: Final = {0: "green", 1: "bold red", 4: "red"}


def render_text(run: Run, *, color: bool, width: int, hint: bool = True) -> str:
    """Return the run as lines of at most ``width`` columns (40 to 500), each ended by a newline.

    Of many files, those that are not accepted are told first, the worst at the end, where one reads; then
    all of them in a table. Without ``color`` there is no escape sequence in it; the environment is not looked at.
    Without ``hint`` the last one is left out, for it stands elsewhere.
    """
    page = Page(width=width, color=color)
    if run.single and run.reports:
        _report(page, replace(run.reports[0], hint=run.hint), hint=hint)
        return page.text()
    told = [report for report in ordered_reports(run) if report.exit_code]
    for report in reversed(told[:_MOST_REPORTS]):
        _report(page, report, hint=True)
        page.blank()
    if len(told) > _MOST_REPORTS:
        page.hanging(
            [(f"The reports of {len(told) - _MOST_REPORTS:,} more files are left out; {_MORE}.", "")]
        )
        page.blank()
    _run(page, run, hint=hint)
    return page.text()


def _report(page: Page, report: Report, *, hint: bool) -> None:
    shown = printed(report, text_chars=_TEXT_CHARS, source_lines=_SOURCE_LINES)
    style = _EXIT_STYLES.get(shown.exit_code, "yellow")
    page.hanging([(_TITLE, "bold"), (f" {shown.locator}", "")])
    if shown.digest:
        page.indented(f"sha256 {shown.digest}")
    page.hanging([(shown.outcome, style), (f": {shown.summary}" if shown.summary else "", "")])
    _what_it_is(page, shown)
    if shown.findings:
        _findings(page, ordered_findings(shown))
    if shown.decompiled:
        page.heading("What it would do, decompiled")
        for line in shown.decompiled.split("\n"):
            page.indented(line, "  │ ")
    _fickling(page, shown)
    _signatures(page, shown.signatures)
    if shown.coverage is not None:
        _coverage(page, shown.coverage, "member" if len(shown.parts) > 1 else "file")
    page.blank()
    if shown.admission:
        page.hanging([(f"Policy: {shown.admission}", "")])
    page.hanging([(conclusion(shown) + ".", style)])
    if hint and shown.hint:
        page.hanging([(f"Hint: {shown.hint}", "")])


def _what_it_is(page: Page, report: Report) -> None:
    rows = facts(report)
    if not rows:
        return
    page.heading("What it is")
    page.rows(rows)
    lines, more = member_lines(report, _MOST_PARTS)
    for line in lines:
        indent = "    " + "  " * min(line.depth, 8)
        worst = (f"  [{line.worst}]", _SEVERITY_STYLES.get(line.worst, "")) if line.worst else ("", "")
        page.hanging([(line.name, "bold"), (f"  {line.what}", ""), worst], indent, indent + "  ")
    if more > 0:
        page.indented(f"and {counted(more, 'member')} more; {_MORE}", "    ")


def _findings(page: Page, findings: tuple[ReportFinding, ...]) -> None:
    page.heading(f"Findings ({len(findings):,})")
    for finding in findings[:_MOST_FINDINGS]:
        style = _SEVERITY_STYLES.get(finding.severity, "bold red")
        sure = "" if finding.confidence == "high" else f", {finding.confidence} confidence"
        head = [
            (f"{finding.severity:<9} ", style),
            (finding.title, "bold"),
            (f"  [{finding.id}{sure}]", "dim"),
        ]
        page.hanging(head, "  ", " " * 12)
        for label, text in (("at", finding.location), ("", finding.detail), ("hint:", finding.hint)):
            if text:
                page.indented(f"{label} {text}".strip(), " " * 12)
        for line in finding.opcodes:
            page.indented(line, " " * 12 + "│ ", "dim")
    if len(findings) > _MOST_FINDINGS:
        page.indented(f"and {len(findings) - _MOST_FINDINGS:,} more; {_MORE}")


def _fickling(page: Page, report: Report) -> None:
    if not report.fickling_severity and not report.fickling_messages:
        return
    page.heading("What fickling says of the trace")
    page.rows([("severity", report.fickling_severity or "none given")])
    for line in report.fickling_messages:
        page.indented(line)


def _signatures(page: Page, signatures: tuple[ReportSignature, ...]) -> None:
    if signatures:
        page.heading("Signatures")
        for signature in signatures:
            page.indented(signature.text)


def _coverage(page: Page, coverage: ReportCoverage, unit: str, *, more: int = 0) -> None:
    page.heading("Coverage")
    page.indented(
        f"{counted(coverage.members_examined, unit)} examined, {coverage.members_skipped:,} not examined; "
        f"{coverage.bytes_examined:,} of {coverage.bytes_total:,} bytes accounted for, "
        f"{coverage.bytes_unreadable:,} unreadable"
    )
    for name, why in coverage.skipped[:_MOST_SKIPPED]:
        page.hanging([(f"not examined: {name} ({why})", "")], "  ", "    ")
    more += max(0, len(coverage.skipped) - _MOST_SKIPPED)
    if more:
        page.indented(f"and {more:,} more; {_MORE}")


def _run(page: Page, run: Run, *, hint: bool) -> None:
    """Write the end of a run over many files: all of them in a table, what was looked at, what follows."""
    # Of the thousands that there may be, only what is shown is made printable.
    few = run.coverage.skipped[:_MOST_SKIPPED]
    coverage = replace(run.coverage, skipped=few)
    bare = replace(run, reports=(), skipped=(), unknown_globals=(), coverage=coverage)
    shown = printed(bare, text_chars=_TEXT_CHARS, source_lines=_SOURCE_LINES)
    style = _EXIT_STYLES.get(run.exit_code, "yellow")
    page.hanging([(_TITLE, "bold"), (f" {shown.locator}", "")])
    page.hanging([(shown.outcome, style), (f": {shown.summary}" if shown.summary else "", "")])
    if run.reports:
        _files(page, run)
    _summary(page, run)
    _warnings(page, run)
    _signatures(page, shown.signatures)
    _coverage(page, shown.coverage, "file", more=len(run.coverage.skipped) - len(few))
    page.blank()
    page.hanging([(run_conclusion(run) + ".", style)])
    if hint and shown.hint:
        page.hanging([(f"Hint: {shown.hint}", "")])


def _summary(page: Page, run: Run) -> None:
    """Write how many files there are of each kind, in a table of one row."""
    shown = {
        label.replace("_", " "): f"{number:,}"
        for label, number in counts(run).items()
        if number or label in _ALWAYS_COUNTED
    }
    page.heading("Summary")
    # Two lines where they fit, else one a count.
    widths = [max(len(label), len(number)) for label, number in shown.items()]
    if sum(widths) + 2 * len(widths) <= page.width:
        columns = list(zip(shown.items(), widths, strict=True))
        page.indented("  ".join(f"{label:>{wide}}" for (label, _), wide in columns), "  ", "dim")
        page.indented("  ".join(f"{number:>{wide}}" for (_, number), wide in columns))
    else:
        page.rows(shown.items())


def _warnings(page: Page, run: Run) -> None:
    """Write what is told of accepted files, each thing once, and of how many: their reports are not shown."""
    told: dict[tuple[str, str], list[str]] = {}
    for report in run.reports:
        for finding in report.findings if not report.exit_code else ():
            if finding.severity == "warning":
                told.setdefault((finding.id, finding.title), []).append(report.locator)
    if not told:
        return
    page.heading("Warnings about accepted files")
    for (rule, title), names in list(told.items())[:_MOST_SKIPPED]:
        shown, first = printed((title, names[0]), text_chars=_TEXT_CHARS, source_lines=0)
        every = f": {first}" if len(names) == 1 else f": {counted(len(names), 'file')}, such as {first}"
        page.hanging([(shown, ""), (f"  [{rule}]", "dim"), (every, "")], "  ", "    ")
    if len(told) > _MOST_SKIPPED:
        page.indented(f"and {len(told) - _MOST_SKIPPED:,} more; {_MORE}")


def _files(page: Page, run: Run) -> None:
    page.heading(f"Files ({len(run.reports):,})")
    reports = ordered_reports(run)
    table = [("outcome", "findings", "bytes")]
    table += [
        (
            printed(report.outcome, text_chars=40, source_lines=0),
            f"{serious_findings(report):,}",
            f"{report.size:,}",
        )
        for report in reports[:_MOST_FILES]
    ]
    first, second, third = (max(columns_of(row[column]) for row in table) for column in range(3))
    page.indented(f"{'outcome':<{first}}  {'findings':>{second}}  {'bytes':>{third}}  file", "  ", "dim")
    rest = " " * min(first + second + third + 8, page.width // 2)
    for report, (outcome, findings, size) in zip(reports, table[1:], strict=False):
        name = printed(report.locator, text_chars=_TEXT_CHARS, source_lines=0)
        padded = f"{outcome:<{first}}"
        head = [
            (padded, _EXIT_STYLES.get(report.exit_code, "yellow")),
            (f"  {findings:>{second}}  {size:>{third}}  ", ""),
            (name, ""),
        ]
        page.hanging(head, "  ", rest)
    if len(reports) > _MOST_FILES:
        page.indented(f"and {len(reports) - _MOST_FILES:,} more; {_MORE}")
