"""The values of the stages as reports: what was found in one file, or in many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from secureload.api.check import Checked
from secureload.errors import (
    ExitCode,
    SecureloadError,
    SignatureFormatError,
    TrustError,
    UnsignedError,
    UsageError,
)
from secureload.pickles.trace import Trace
from secureload.policy.verification import SignatureResult, SignatureStatus, Verification
from secureload.report.report import Report, ReportCoverage, ReportFinding, ReportMember, ReportSection
from secureload.scan.finding import Finding, Severity
from secureload.signing.instants import encode_instant

__all__ = [
    "Entry",
    "entry_of_check",
    "entry_of_error",
    "report_of_check",
    "report_of_error",
    "report_of_many",
    "signature_lines",
]

_WORDS = {
    ExitCode.ACCEPTED: "accepted",
    ExitCode.REJECTED: "rejected",
    ExitCode.USAGE: "not examined",
    ExitCode.UNDECIDED: "undecided",
    ExitCode.UNTRUSTED: "untrusted",
    ExitCode.ENVIRONMENT: "failed",
}
_TITLE = "secureload check"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of many: its own report, and its line of the summary. ``examined`` is whether it was read."""

    report: Report
    member: ReportMember
    examined: bool


def report_of_check(checked: Checked, *, explain: bool = False, locator: str | None = None) -> Report:
    """Return the report about one file.

    The decompiled source is in it where the verdict is not ACCEPTED; ``explain`` adds it to every report,
    with fickling's severity and messages. ``locator`` is how the file is called, by default its path.
    """
    verdict, examination = checked.verdict, checked.examination
    trace = examination.trace
    code = verdict.exit_code
    shown = trace is not None and (explain or code is not ExitCode.ACCEPTED)
    return Report(
        title=_TITLE,
        locator=checked.locator if locator is None else locator,
        outcome=_WORDS[code],
        exit_code=int(code),
        summary=_summary(checked),
        digest=checked.digest,
        sections=_sections(checked, explain=explain),
        findings=tuple(_finding(finding) for finding in examination.findings),
        coverage=_coverage(checked),
        signatures=signature_lines(checked.verification),
        decompiled=trace.decompiled if trace is not None and shown else "",
        admission=_admission(checked),
        hint=_hint(checked),
    )


def report_of_error(locator: str, error: SecureloadError) -> Report:
    """Return the report about a file that ended with an error; it counts as not examined."""
    return Report(
        title=_TITLE,
        locator=locator,
        outcome=_WORDS[error.exit_code],
        exit_code=int(error.exit_code),
        summary=error.message,
        hint=error.hint,
    )


def entry_of_check(name: str, checked: Checked, *, explain: bool = False) -> Entry:
    """Return the entry of a file, called ``name``, in the summary of many."""
    report = report_of_check(checked, explain=explain, locator=name)
    serious = sum(
        finding.severity in {Severity.DANGEROUS, Severity.UNKNOWN} for finding in checked.examination.findings
    )
    member = ReportMember(
        name=name, outcome=report.outcome, exit_code=report.exit_code, size=checked.size, findings=serious
    )
    return Entry(report, member, examined=checked.examination.coverage.pickles > 0)


def entry_of_error(name: str, error: SecureloadError) -> Entry:
    """Return the entry of a file that ended with an error."""
    report = report_of_error(name, error)
    member = ReportMember(name=name, outcome=report.outcome, exit_code=report.exit_code)
    return Entry(report, member, examined=False)


def report_of_many(
    locator: str,
    entries: Sequence[Entry],
    skipped: Sequence[tuple[str, str]],
    *,
    signatures: Iterable[str] = (),
    trust_error: TrustError | None = None,
) -> Report:
    """Return the summary of many files. ``skipped`` holds (name, why) of those that need no examination.

    The exit code is the worst of the files'; where nothing at all was examined it is never 0.
    ``trust_error`` is what is wrong with a signature about all of them.
    """
    codes = [entry.member.exit_code for entry in entries]
    examined = sum(entry.examined for entry in entries)
    if not examined:
        codes.append(ExitCode.UNDECIDED)
    if trust_error is not None:
        codes.append(trust_error.exit_code)
    code = ExitCode.worst(codes)
    counts = _counts(entries, skipped, examined)
    summary = ", ".join(f"{value} {label}" for label, value in counts)
    if trust_error is not None:
        summary = f"{trust_error.message}; {summary}"
    elif not examined:
        summary = f"nothing was examined; {summary}"
    return Report(
        title=_TITLE,
        locator=locator,
        outcome=_WORDS[code],
        exit_code=int(code),
        summary=summary,
        coverage=_sum(entries, skipped, examined),
        signatures=tuple(signatures),
        members=tuple(entry.member for entry in entries),
        hint=trust_error.hint if trust_error is not None else "",
    )


def signature_lines(verification: Verification | TrustError | UsageError | None) -> tuple[str, ...]:
    """Return one line a signature: who and whether they are trusted, or why nobody is named."""
    if verification is None:
        return ()
    if isinstance(verification, Verification):
        lines = tuple(_signature_line(result) for result in verification.results)
        return lines or ("the signature file holds no signature",)
    if isinstance(verification, UnsignedError):
        return ("not signed",)
    if isinstance(verification, SignatureFormatError):
        return (f"signature file present, but not readable: {verification.message}",)
    return (f"signature present, but no trust store: {verification.message}",)


def _signature_line(result: SignatureResult) -> str:
    if result.status is not SignatureStatus.GOOD or result.key is None or result.statement is None:
        return f"not counted: {result.message}"
    said = result.statement
    version = f" version {said.version}" if said.version is not None else ""
    until = f", until {encode_instant(said.expires)}" if said.expires is not None else ""
    return (
        f"signed by {result.key.name} ({result.key.public_key.fingerprint}), trusted: "
        f"as {said.name!r}{version}, on {encode_instant(said.created)}{until}"
    )


def _summary(checked: Checked) -> str:
    reasons = checked.verdict.reasons
    if not reasons:
        return _reading(checked.examination.trace)
    more = f" (and {len(reasons) - 1:,} more)" if len(reasons) > 1 else ""
    return f"{reasons[0].text}{more}"


def _reading(trace: Trace | None) -> str:
    return f"as {trace.reading}.load reads it" if trace is not None else ""


def _admission(checked: Checked) -> str:
    policy = checked.verdict.policy
    reading = _reading(checked.examination.trace)
    if checked.verdict.reasons:
        return f"not admitted by policy {policy!r}"
    return f"admitted by policy {policy!r}, {reading}"


def _hint(checked: Checked) -> str:
    if not checked.verdict.reasons:
        return ""
    first = checked.verdict.reasons[0]
    if first.kind == "untrusted" and isinstance(checked.verification, SecureloadError):
        return checked.verification.hint
    if first.kind == "untrusted" and isinstance(checked.verification, Verification):
        error = checked.verification.error()
        return error.hint if error is not None else ""
    return next((found.hint for found in checked.examination.findings if found.title == first.text), "")


def _finding(finding: Finding) -> ReportFinding:
    return ReportFinding(
        id=finding.rule_id,
        severity=finding.severity.value,
        title=finding.title,
        location=str(finding.location),
        detail=finding.detail,
        hint=finding.hint,
    )


def _coverage(checked: Checked) -> ReportCoverage:
    coverage = checked.examination.coverage
    read = coverage.pickles > 0
    return ReportCoverage(
        members_examined=int(read),
        members_skipped=int(not read),
        bytes_total=coverage.bytes_total,
        bytes_examined=coverage.bytes_examined,
        bytes_unreadable=max(0, coverage.bytes_total - coverage.bytes_examined),
        skipped=tuple((checked.locator, why) for why in coverage.not_examined),
    )


def _sections(checked: Checked, *, explain: bool) -> tuple[ReportSection, ...]:
    detected, trace = checked.detected, checked.examination.trace
    rows = [("format", f"{detected.description}: {detected.reason}"), ("size", f"{checked.size:,} bytes")]
    if detected.extension_disagrees:
        rows.append(("name", detected.extension_disagrees))
    if trace is not None:
        rows.extend(_trace_rows(trace))
    sections = [ReportSection("What it is", tuple(rows))]
    if explain and trace is not None:
        severity = (("severity", trace.fickling_severity or "none given"),)
        sections.append(ReportSection("What fickling says of the trace", severity, trace.fickling_messages))
    return tuple(sections)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _trace_rows(trace: Trace) -> list[tuple[str, str]]:
    rows = [("read", _reading(trace))]
    if trace.compression:
        rows.append(("compression", f"{trace.compression}, {trace.bytes_total:,} bytes expanded"))
    if trace.protocol >= 0:
        rows.append(("protocol", str(trace.protocol)))
    operations = sum(operation.count for operation in trace.operations)
    rows.append(
        ("would do", f"import {_counted(len(trace.imports), 'global')}, {_counted(operations, 'operation')}")
    )
    rows.extend(("saved with", f"{library} {version}") for library, version in trace.versions)
    return rows


def _counts(
    entries: Sequence[Entry], skipped: Sequence[tuple[str, str]], examined: int
) -> tuple[tuple[str, str], ...]:
    def having(*codes: ExitCode) -> str:
        return f"{sum(entry.member.exit_code in codes for entry in entries):,}"

    counts = [
        ("examined", f"{examined:,}"),
        ("skipped", f"{len(skipped):,}"),
        ("undecided", having(ExitCode.UNDECIDED)),
        ("rejected", having(ExitCode.REJECTED)),
    ]
    others = (
        ("untrusted", having(ExitCode.UNTRUSTED)),
        ("failed", having(ExitCode.USAGE, ExitCode.ENVIRONMENT)),
    )
    return (*counts, *((label, value) for label, value in others if value != "0"))


def _sum(entries: Sequence[Entry], skipped: Sequence[tuple[str, str]], examined: int) -> ReportCoverage:
    parts = [entry.report.coverage for entry in entries if entry.report.coverage is not None]
    unread = [(entry.member.name, entry.report.summary) for entry in entries if not entry.examined]
    return ReportCoverage(
        members_examined=examined,
        members_skipped=len(skipped) + len(unread),
        bytes_total=sum(part.bytes_total for part in parts),
        bytes_examined=sum(part.bytes_examined for part in parts),
        bytes_unreadable=sum(part.bytes_unreadable for part in parts),
        skipped=(*unread, *skipped),
    )
