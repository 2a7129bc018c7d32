"""The report as one HTML file: no scripts, nothing that is fetched, every text of an artifact escaped.

The page forbids by its own Content-Security-Policy whatever it does not need; its one style sheet is admitted
by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

from secureload.package_data import packaged_text
from secureload.report.facts import counted, facts, member_lines
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

__all__ = ["render_html"]

_TEXT_CHARS: Final = 2_000
_SOURCE_LINES: Final = 2_000
_MOST_FINDINGS: Final = 500
_MOST_PARTS: Final = 500
_MOST_SKIPPED: Final = 500
_MORE: Final = "the JSON report has them all"
_KINDS: Final = {0: "good", 1: "bad", 4: "bad"}


def render_html(run: Run) -> str:
    """Return the run as a page that stands by itself."""
    shown = printed(run, text_chars=_TEXT_CHARS, source_lines=_SOURCE_LINES)
    style = packaged_text("secureload.report", "report.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(shown.outcome)}: {escape(shown.locator)}</title>\n"
        f"<style>{style}</style>\n</head>\n"
    )
    return head + "\n".join(["<body>", *_body(shown), "</body>", "</html>", ""])


def _body(run: Run) -> Iterator[str]:
    yield "<main>"
    yield from _top(run)
    reports = ordered_reports(run)
    if not run.single:
        yield from _table(reports)
        yield from _signatures(run.signatures)
        yield from _not_examined(run.coverage.skipped)
    for number, report in enumerate(reports):
        if run.single or _has_more(report):
            yield from _report(report, number, single=run.single)
    yield "</main>"
    yield f"<footer>secureload {escape(run.tool_version)} · nothing of what is examined runs</footer>"


def _top(run: Run) -> Iterator[str]:
    kind = _KINDS.get(run.exit_code, "open")
    yield f'<header class="verdict {kind}">'
    yield f'<p class="path">{_text(run.locator)}</p>'
    yield f"<h1>{_text(run.outcome)}</h1>"
    yield f'<p class="lead">{_text(run_conclusion(run))}.</p>'
    if run.summary:
        yield f"<p>{_text(run.summary)}</p>"
    if run.hint:
        yield f'<p class="hint">{_text(run.hint)}</p>'
    yield "</header>"
    yield '<ul class="counts">'
    for label, number in counts(run).items() if not run.single else ():
        if number or label in ("files", "examined", "skipped"):
            word = label.replace("_", " ")
            yield f'<li class="{label}"><b>{number:,}</b> {word}</li>'
    yield f"<li>exit code <b>{run.exit_code}</b></li>"
    yield "</ul>"


def _table(reports: tuple[Report, ...]) -> Iterator[str]:
    if not reports:
        return
    yield '<section><h2>Files</h2><div class="wide"><table class="files">'
    yield "<thead><tr><th>Outcome</th><th>File</th><th>Findings</th><th>Bytes</th></tr></thead><tbody>"
    for number, report in enumerate(reports):
        yield (
            f"<tr><td>{_badge(report.outcome, _KINDS.get(report.exit_code, 'open'))}</td>"
            f'<td class="path">{_linked(report, number)}</td>'
            f"<td>{serious_findings(report):,}</td><td>{report.size:,}</td></tr>"
        )
    yield "</tbody></table></div></section>"


def _has_more(report: Report) -> bool:
    """Whether there is more to say of one file of many than its line in the table."""
    return report.exit_code != 0 or bool(report.findings or report.decompiled)


def _linked(report: Report, number: int) -> str:
    name = _text(report.locator)
    return f'<a href="#file-{number}">{name}</a>' if _has_more(report) else name


def _report(report: Report, number: int, *, single: bool) -> Iterator[str]:
    kind = _KINDS.get(report.exit_code, "open")
    yield f'<article id="file-{number}" class="{kind}">'
    if not single:
        yield f'<h2 class="path">{_badge(report.outcome, kind)} {_text(report.locator)}</h2>'
        yield f"<p>{_text(conclusion(report))}. {_text(report.summary)}</p>"
    yield from _findings(ordered_findings(report))
    yield from _source(report)
    yield from _what_it_is(report)
    yield from _fickling(report)
    yield from _signatures(report.signatures)
    if report.coverage is not None:
        yield from _coverage(report.coverage, "member" if len(report.parts) > 1 else "file")
    if report.admission:
        yield f"<p>Policy: {_text(report.admission)}.</p>"
    yield "</article>"


def _findings(findings: tuple[ReportFinding, ...]) -> Iterator[str]:
    if not findings:
        return
    yield f"<section><h3>Findings ({len(findings):,})</h3>"
    for finding in findings[:_MOST_FINDINGS]:
        yield f'<div class="finding {_severity(finding.severity)}">'
        yield (
            f"<h4>{_badge(finding.severity, _severity(finding.severity))} {_text(finding.title)} "
            f'<span class="id">{_text(finding.id)}</span></h4>'
        )
        sure = "" if finding.confidence == "high" else f"{finding.confidence} confidence"
        place = " · ".join(text for text in (finding.location, sure) if text)
        if place:
            yield f'<p class="place">{_text(place)}</p>'
        if finding.detail:
            yield f"<pre>{_text(finding.detail)}</pre>"
        if finding.opcodes:
            yield f'<pre class="opcodes">{_lines(finding.opcodes)}</pre>'
        if finding.hint:
            yield f'<p class="hint">{_text(finding.hint)}</p>'
        yield "</div>"
    if len(findings) > _MOST_FINDINGS:
        yield f"<p>and {len(findings) - _MOST_FINDINGS:,} more; {_MORE}</p>"
    yield "</section>"


def _source(report: Report) -> Iterator[str]:
    if report.decompiled:
        yield "<section><h3>What it would do, decompiled</h3>"
        yield f"<pre>{escape(report.decompiled)}</pre></section>"


def _what_it_is(report: Report) -> Iterator[str]:
    rows = facts(report)
    if not rows:
        return
    yield "<section><h3>What it is</h3><dl>"
    if report.digest:
        rows = (*rows, ("sha256", report.digest))
    for label, value in rows:
        yield f"<dt>{_text(label)}</dt><dd>{_text(value)}</dd>"
    yield "</dl>"
    lines, more = member_lines(report, _MOST_PARTS)
    if lines:
        yield '<ul class="members">'
        for line in lines:
            badge = f" {_badge(line.worst, _severity(line.worst))}" if line.worst else ""
            yield (
                f'<li class="depth-{min(line.depth, 8)}"><b class="path">{_text(line.name)}</b> '
                f"<span>{_text(line.what)}</span>{badge}</li>"
            )
        if more:
            yield f"<li>and {counted(more, 'member')} more; {_MORE}</li>"
        yield "</ul>"
    yield "</section>"


def _fickling(report: Report) -> Iterator[str]:
    if report.fickling_severity or report.fickling_messages:
        yield "<section><h3>What fickling says of the trace</h3>"
        yield f"<p>severity: {_text(report.fickling_severity or 'none given')}</p>"
        yield f"<pre>{_lines(report.fickling_messages)}</pre></section>"


def _signatures(signatures: tuple[ReportSignature, ...]) -> Iterator[str]:
    if signatures:
        yield "<section><h3>Signatures</h3><ul>"
        yield from (f"<li>{_text(signature.text)}</li>" for signature in signatures)
        yield "</ul></section>"


def _coverage(coverage: ReportCoverage, unit: str) -> Iterator[str]:
    yield "<section><h3>Coverage</h3>"
    yield (
        f"<p>{counted(coverage.members_examined, unit)} examined, {coverage.members_skipped:,} not examined; "
        f"{coverage.bytes_examined:,} of {coverage.bytes_total:,} bytes accounted for, "
        f"{coverage.bytes_unreadable:,} unreadable</p>"
    )
    yield from _not_examined(coverage.skipped)
    yield "</section>"


def _not_examined(skipped: tuple[tuple[str, str], ...]) -> Iterator[str]:
    if not skipped:
        return
    yield f"<details><summary>not examined ({len(skipped):,})</summary><ul>"
    for name, why in skipped[:_MOST_SKIPPED]:
        yield f'<li><span class="path">{_text(name)}</span>: {_text(why)}</li>'
    if len(skipped) > _MOST_SKIPPED:
        yield f"<li>and {len(skipped) - _MOST_SKIPPED:,} more; {_MORE}</li>"
    yield "</ul></details>"


def _badge(text: str, kind: str) -> str:
    return f'<span class="badge {kind}">{_text(text)}</span>'


def _severity(word: str) -> str:
    """Return the class of a severity; a word that is not known is shown as the worst."""
    return word if word in ("unknown", "warning", "note") else "dangerous"


def _text(text: str) -> str:
    return escape(text)


def _lines(lines: Iterable[str]) -> str:
    return escape("\n".join(lines))
