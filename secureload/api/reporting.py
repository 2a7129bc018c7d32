"""The values of the stages as the report about one file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from secureload.api.check import Checked
from secureload.errors import (
    ExitCode,
    SecureloadError,
    SignatureFormatError,
    TrustError,
    UnsignedError,
    UsageError,
)
from secureload.report.report import (
    SEVERITIES,
    Report,
    ReportConfinement,
    ReportCoverage,
    ReportFinding,
    ReportPart,
    ReportSignature,
)
from secureload.report.run import OUTCOMES
from secureload.scan.finding import Examination, Finding, Severity
from secureload.scan.part import Part

if TYPE_CHECKING:  # what verifies signatures is imported where there is one
    from secureload.policy.verification import SignatureResult, Verification

__all__ = ["report_of_check", "report_of_error", "signatures_of"]

_RANKS: tuple[str, ...] = SEVERITIES


def report_of_check(
    checked: Checked,
    *,
    explain: bool = False,
    locator: str | None = None,
    path: str | None = None,
    brief: bool = False,
) -> Report:
    """Return the report about one file.

    The decompiled source is in it where the verdict is not ACCEPTED; ``explain`` adds it to every report,
    with fickling's severity and messages. ``locator`` is how the file is called, by default its path;
    ``path`` is where it is, by default the same. A ``brief`` report says of an accepted file what a line of a
    table needs, and its findings.
    """
    verdict, examination = checked.verdict, checked.examination
    code = verdict.exit_code
    shown = locator if locator is not None else checked.locator
    if brief and not explain and code is ExitCode.ACCEPTED:
        return _brief(checked, shown, path if path is not None else shown)
    traces = [part.trace for part in examination.parts if part.trace is not None]
    explained = traces if explain else []
    return Report(
        locator=shown,
        outcome=OUTCOMES[code],
        exit_code=int(code),
        path=path if path is not None else shown,
        summary=_summary(checked),
        policy=verdict.policy,
        reasons=tuple((reason.kind, reason.text) for reason in verdict.reasons),
        digest=checked.digest,
        size=checked.size,
        parts=_parts(checked),
        findings=tuple(_finding(finding, checked) for finding in examination.findings),
        coverage=_coverage(examination, shown),
        signatures=signatures_of(checked.verification),
        decompiled=_decompiled(examination) if explain or code is not ExitCode.ACCEPTED else "",
        fickling_severity=_worst_word([trace.fickling_severity for trace in explained]),
        fickling_messages=tuple(line for trace in explained for line in trace.fickling_messages),
        unknown_globals=tuple(dict.fromkeys(found.allow for found in examination.findings if found.allow)),
        admission=_admission(checked),
        hint=_hint(checked),
        confinement=_confinement(checked),
    )


def _confinement(checked: Checked) -> ReportConfinement | None:
    found = checked.confinement
    if found is None:
        return None
    layers = tuple((layer.name, layer.state, layer.detail) for layer in found.layers)
    return ReportConfinement(level=found.level, layers=layers)


def _brief(checked: Checked, locator: str, path: str) -> Report:
    """Return the report about an accepted file without its parts: of a thousand files few are looked at."""
    coverage = checked.examination.coverage
    return Report(
        locator=locator,
        outcome=OUTCOMES[ExitCode.ACCEPTED],
        exit_code=int(ExitCode.ACCEPTED),
        path=path,
        policy=checked.verdict.policy,
        digest=checked.digest,
        size=checked.size,
        findings=tuple(_finding(finding, checked) for finding in checked.examination.findings),
        coverage=ReportCoverage(
            members_examined=coverage.members or int(coverage.pickles > 0),
            bytes_total=coverage.bytes_total,
            bytes_examined=coverage.bytes_examined,
            bytes_unreadable=max(0, coverage.bytes_total - coverage.bytes_examined),
        ),
    )


def report_of_error(locator: str, error: SecureloadError, *, path: str | None = None) -> Report:
    """Return the report about a file that ended with an error; it counts as not examined."""
    return Report(
        locator=locator,
        outcome=OUTCOMES[error.exit_code],
        exit_code=int(error.exit_code),
        path=path if path is not None else locator,
        summary=error.message,
        error=error.code,
        hint=error.hint,
    )


def signatures_of(
    verification: Verification | TrustError | UsageError | None,
) -> tuple[ReportSignature, ...]:
    """Return each signature: who and whether they are trusted; or why nobody is named."""
    if verification is None:
        return ()
    if not isinstance(verification, SecureloadError):
        found = tuple(_signature(result) for result in verification.results)
        found += tuple(_statement(result) for result in verification.attestations)
        return found or (ReportSignature(status="empty", text="the signature file holds no signature"),)
    if isinstance(verification, UnsignedError):
        return (ReportSignature(status="unsigned", text="not signed"),)
    if isinstance(verification, SignatureFormatError):
        text = f"signature file present, but not readable: {verification.message}"
        return (ReportSignature(status="unreadable", text=text),)
    text = f"signature present, but no trust store: {verification.message}"
    return (ReportSignature(status="no-trust-store", text=text),)


def _statement(result: SignatureResult) -> ReportSignature:
    """Return what else is stated: an approval, metadata; whether it counts is its status."""
    is_good = result.status.value == "good"
    text = result.message if is_good else f"not counted: {result.kind}: {result.message}"
    return ReportSignature(status=result.status.value, text=text)


def _signature(result: SignatureResult) -> ReportSignature:
    from secureload.signing.instants import encode_instant

    if result.status.value != "good" or result.key is None or result.statement is None:
        return ReportSignature(status=result.status.value, text=f"not counted: {result.message}")
    said = result.statement
    version = f" version {said.version}" if said.version is not None else ""
    until = f", until {encode_instant(said.expires)}" if said.expires is not None else ""
    created, fingerprint = encode_instant(said.created), result.key.public_key.fingerprint
    return ReportSignature(
        status=result.status.value,
        text=f"signed by {result.key.name} ({fingerprint}), trusted: as {said.name!r}{version}, on {created}{until}",
        signer=result.key.name,
        fingerprint=fingerprint,
        name=said.name,
        version=said.version or "",
        created=created,
        expires=encode_instant(said.expires) if said.expires is not None else "",
    )


def _summary(checked: Checked) -> str:
    reasons = checked.verdict.reasons
    if not reasons:
        return _reading(checked.examination)
    more = f" (and {len(reasons) - 1:,} more)" if len(reasons) > 1 else ""
    return f"{reasons[0].text}{more}"


def _reading(examination: Examination) -> str:
    """Return the loaders that the verdict holds for, in words: of the file itself, or else of its members."""
    if not examination.parts:
        return ""
    if examination.parts[0].loader:
        return f"as {examination.parts[0].loader} reads it"
    loaders = tuple(dict.fromkeys(part.loader for part in examination.parts if part.loader))
    if not loaders:
        return "as data: no member of it is code to its loader"
    return f"as {' and '.join(loaders)} read its members"


def _admission(checked: Checked) -> str:
    policy = checked.verdict.policy
    if checked.verdict.reasons:
        return f"not admitted by policy {policy!r}"
    reading = _reading(checked.examination)
    return f"admitted by policy {policy!r}, {reading}" if reading else f"admitted by policy {policy!r}"


def _hint(checked: Checked) -> str:
    if not checked.verdict.reasons:
        return ""
    first = checked.verdict.reasons[0]
    if first.kind == "untrusted" and checked.verification is not None:
        if isinstance(checked.verification, SecureloadError):
            return checked.verification.hint
        error = checked.verification.error()
        return error.hint if error is not None else ""
    return next((found.hint for found in checked.examination.findings if found.title == first.text), "")


def _finding(finding: Finding, checked: Checked) -> ReportFinding:
    return ReportFinding(
        id=finding.rule_id,
        severity=finding.severity.value,
        confidence=finding.confidence.value,
        title=finding.title,
        member=finding.location.member,
        offset=finding.location.offset,
        opcode=finding.location.opcode,
        detail=finding.detail,
        hint=finding.hint,
        opcodes=_outdented(checked.excerpts.get((finding.location.member, finding.location.offset), ())),
    )


def _outdented(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return a listing without the blanks that all its lines have behind the mark."""
    blanks = min((len(line) - len(line[1:].lstrip()) - 1 for line in lines), default=0)
    return tuple(f"{line[:1]} {line[1 + blanks :]}" for line in lines)


def _parts(checked: Checked) -> tuple[ReportPart, ...]:
    worst = _worst_by_member(checked.examination.findings)
    detected, parts = checked.detected, checked.examination.parts
    if not parts:
        root = Part(path="", format=detected.format, description=detected.description)
        parts = (root,)
    described = (detected.reason, detected.extension_disagrees or "")
    return tuple(
        _part(part, worst.get(part.path, ""), *(("", "") if part.path else described)) for part in parts
    )


def _part(part: Part, worst: str, reason: str, name_disagrees: str) -> ReportPart:
    trace = part.trace
    return ReportPart(
        path=part.path,
        format=part.format,
        description=part.description,
        reason=reason,
        loader=part.loader,
        compression=part.compression or "",
        protocol=trace.protocol if trace is not None else -1,
        imports=len(trace.imports) if trace is not None else 0,
        operations=sum(operation.count for operation in trace.operations) if trace is not None else 0,
        versions=part.versions or (trace.versions if trace is not None else ()),
        data_members=part.data_members,
        bytes_total=part.bytes_total,
        bytes_examined=part.bytes_examined,
        name_disagrees=part.extension_disagrees or name_disagrees,
        worst=worst,
    )


def _worst_by_member(findings: Iterable[Finding]) -> dict[str, str]:
    worst: dict[str, str] = {}
    for finding in findings:
        before = worst.get(finding.location.member)
        if before is None or _rank(finding.severity.value) < _rank(before):
            worst[finding.location.member] = finding.severity.value
    return worst


def _rank(severity: str) -> int:
    return _RANKS.index(severity)


def _coverage(examination: Examination, locator: str) -> ReportCoverage:
    coverage, parts = examination.coverage, examination.parts
    skipped = tuple((part.path or locator, why) for part in parts for why in _problems(part))
    undecided = {
        finding.location.member for finding in examination.findings if finding.severity is Severity.UNKNOWN
    }
    return ReportCoverage(
        members_examined=coverage.members or int(coverage.pickles > 0),
        members_skipped=sum(not part.examined for part in parts) if parts else 1,
        members_undecided=len(undecided),
        bytes_total=coverage.bytes_total,
        bytes_examined=coverage.bytes_examined,
        bytes_unreadable=max(0, coverage.bytes_total - coverage.bytes_examined),
        skipped=skipped or tuple((locator, why) for why in coverage.not_examined),
    )


def _problems(part: Part) -> list[str]:
    found = [problem.message for problem in part.problems]
    return found + ([problem.message for problem in part.trace.problems] if part.trace is not None else [])


def _decompiled(examination: Examination) -> str:
    """Return the decompiled source of every member that does something, each under its path if there are several."""
    traced = [(part.path, part.trace) for part in examination.parts if part.trace is not None]
    acting = [(path, trace) for path, trace in traced if trace.imports or trace.operations]
    sources = [(path, trace.decompiled) for path, trace in acting or traced if trace.decompiled]
    if len(sources) == 1 and not sources[0][0]:
        return sources[0][1]
    return "\n".join(f"# {_one_line(path) or 'the file itself'}\n{source}" for path, source in sources)


def _one_line(path: str) -> str:
    return path.replace("\n", "\\n")


def _worst_word(words: list[str]) -> str:
    """Return fickling's severity where one trace has one; of several, each once, in their order."""
    return ", ".join(dict.fromkeys(word for word in words if word))
