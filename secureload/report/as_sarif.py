"""The report as SARIF 2.1.0 (OASIS, 2020), for code scanning services and editors.

One result a finding, and one for each file that ended without any (it could not be read, nobody vouches for
it): a file that is not accepted always has a result. How severities become levels:

=========  =======  =====================================================================
dangerous  error    it rejects the file
unknown    warning  it leaves the file undecided: somebody has to look (exit code 3)
warning    warning  it is told, and the file may still be accepted
note       note     it is told
=========  =======  =====================================================================

The exit code of the command does not depend on the format, and stands in ``invocations``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from secureload.report.fingerprint import fingerprints
from secureload.report.printed import printed
from secureload.report.report import Report, ReportFinding
from secureload.report.rule_page import HOME, RulePage
from secureload.report.run import Run, ordered_reports, run_conclusion

__all__ = ["render_sarif", "sarif_fields"]

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final = {"dangerous": "error", "unknown": "warning", "warning": "warning", "note": "note"}
# What code scanning services sort by: 0.0 to 10.0.
_SCORES: Final = {"dangerous": "9.0", "unknown": "5.0", "warning": "3.0", "note": "1.0"}
_TEXT_CHARS: Final = 8_192
_SOURCE_LINES: Final = 2_000
_FINGERPRINT: Final = "secureloadFinding/v1"
_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
# What a file is told by that has no finding of its own.
_NOT_EXAMINED: Final = "SL201"
_UNTRUSTED: Final = RulePage(
    id="untrusted",
    name="untrusted",
    title="Untrusted",
    explanation="Nobody whom you trust vouches for these bytes, or a signature is for other bytes.",
    severities=("dangerous",),
)
_COMPLETED: Final = frozenset((0, 1, 3, 4))


def render_sarif(run: Run, rules: Sequence[RulePage]) -> str:
    """Return the run as a SARIF log with a newline at its end, ASCII only; equal runs give equal bytes."""
    return json.dumps(sarif_fields(run, rules), indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def sarif_fields(run: Run, rules: Sequence[RulePage]) -> dict[str, Any]:
    """Return what :func:`render_sarif` writes, as plain dictionaries, lists, texts and numbers."""
    # Names of files become URIs by their bytes, not as they are shown.
    uris = [_uri(report.path or report.locator) for report in ordered_reports(run)]
    shown = printed(run, text_chars=_TEXT_CHARS, source_lines=_SOURCE_LINES)
    pages = (*rules, _UNTRUSTED)
    log = _Log({page.id: index for index, page in enumerate(pages)})
    # Printing a name may change the order: it is that of the names as they are.
    reports = printed(ordered_reports(run), text_chars=_TEXT_CHARS, source_lines=_SOURCE_LINES)
    for report, uri in zip(reports, uris, strict=True):
        log.add(report, uri)
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(shown.tool_version, pages)},
                "invocations": [_invocation(shown, log)],
                "artifacts": log.artifacts,
                "results": log.results,
                "properties": {
                    "outcome": shown.outcome,
                    "conclusion": run_conclusion(shown),
                    "summary": shown.summary,
                    "failOn": shown.fail_on,
                },
            }
        ],
    }


class _Log:
    """The artifacts and results so far, with what failed besides."""

    def __init__(self, indexes: dict[str, int]) -> None:
        self._indexes = indexes
        self._places: dict[tuple[str, int], int] = {}
        self.artifacts: list[dict[str, Any]] = []
        self.results: list[dict[str, Any]] = []
        self.notifications: list[dict[str, Any]] = []

    def add(self, report: Report, uri: str) -> None:
        index = self._index(uri, -1, _artifact(report, uri))
        place = {"uri": uri, "index": index}
        members = self._add_members(report, index)
        for finding, fingerprint in fingerprints(report):
            self.results.append(self._result(finding, fingerprint, place, members))
        if report.exit_code and not _explains(report):
            self._add_without_finding(report, uri, place)

    def _index(self, uri: str, parent: int, artifact: dict[str, Any]) -> int:
        """Return the place of an artifact; one that is named twice is one."""
        found = self._places.setdefault((uri, parent), len(self.artifacts))
        if found == len(self.artifacts):
            self.artifacts.append(artifact)
        return found

    def _add_members(self, report: Report, parent: int) -> dict[str, dict[str, Any]]:
        """Add the members that findings are in as artifacts of their own, inside the file."""
        found: dict[str, dict[str, Any]] = {}
        for member in dict.fromkeys(finding.member for finding in report.findings if finding.member):
            uri = "/" + _percent_encoded(member).lstrip("/")
            artifact = {"location": {"uri": uri}, "parentIndex": parent}
            found[member] = {"uri": uri, "index": self._index(uri, parent, artifact)}
        return found

    def _result(
        self,
        finding: ReportFinding,
        fingerprint: str,
        place: dict[str, Any],
        members: dict[str, dict[str, Any]],
    ) -> dict[str, Any]:
        region = {"region": {"byteOffset": finding.offset}} if finding.offset >= 0 else {}
        location: dict[str, Any] = {"physicalLocation": {"artifactLocation": place}}
        related = {}
        if finding.member:
            # Offsets are those of the member, so the region belongs to it and not to the file.
            location["logicalLocations"] = [{"fullyQualifiedName": finding.member, "kind": "member"}]
            inside = {"physicalLocation": {"artifactLocation": members[finding.member], **region}}
            related = {"relatedLocations": [inside]}
        else:
            location["physicalLocation"] |= region
        level = _LEVELS.get(finding.severity, "error")
        return {
            **self._rule(finding.id),
            "level": level,
            "message": {"text": ". ".join(text for text in (finding.title, finding.detail) if text)},
            "locations": [location],
            **related,
            "partialFingerprints": {_FINGERPRINT: fingerprint},
            "properties": {
                "severity": finding.severity,
                "confidence": finding.confidence,
                "opcode": finding.opcode,
                "hint": finding.hint,
                "opcodes": list(finding.opcodes),
            },
        }

    def _add_without_finding(self, report: Report, uri: str, place: dict[str, Any]) -> None:
        location = {"physicalLocation": {"artifactLocation": place}}
        text = report.summary or report.outcome
        if report.exit_code in (2, 5):
            self.notifications.append({"level": "error", "message": {"text": text}, "locations": [location]})
            return
        untrusted = report.exit_code == 4
        rule = _UNTRUSTED.id if untrusted else _NOT_EXAMINED
        self.results.append(
            {
                **self._rule(rule),
                "level": "error" if untrusted else "warning",
                "message": {"text": text},
                "locations": [location],
                "partialFingerprints": {_FINGERPRINT: _digest(rule, uri)},
                "properties": {"hint": report.hint, "error": report.error},
            }
        )

    def _rule(self, rule_id: str) -> dict[str, Any]:
        index = self._indexes.get(rule_id)
        return {"ruleId": rule_id} if index is None else {"ruleId": rule_id, "ruleIndex": index}


def _explains(report: Report) -> bool:
    """Whether a finding says why the file is not accepted."""
    if report.exit_code == 1:
        return any(finding.severity == "dangerous" for finding in report.findings)
    return report.exit_code == 3 and bool(report.findings)


def _driver(version: str, pages: Iterable[RulePage]) -> dict[str, Any]:
    return {
        "name": "secureload",
        "version": version,
        "semanticVersion": version,
        "informationUri": HOME,
        "rules": [_rule_fields(page) for page in pages],
    }


def _rule_fields(page: RulePage) -> dict[str, Any]:
    worst = page.severities[0] if page.severities else "unknown"
    return {
        "id": page.id,
        "name": "".join(word.capitalize() for word in page.name.split("_")),
        "shortDescription": {"text": page.title},
        "fullDescription": {"text": page.explanation},
        "help": {"text": page.explanation},
        "helpUri": page.link,
        "defaultConfiguration": {"level": _LEVELS.get(worst, "error")},
        "properties": {"tags": ["security"], "security-severity": _SCORES.get(worst, "9.0")},
    }


def _invocation(run: Run, log: _Log) -> dict[str, Any]:
    return {
        "executionSuccessful": run.exit_code in _COMPLETED,
        "exitCode": run.exit_code,
        "exitCodeDescription": run_conclusion(run),
        "toolExecutionNotifications": [*log.notifications, *_skipped(run)],
    }


def _skipped(run: Run) -> Iterator[dict[str, Any]]:
    for name, why in run.skipped:
        yield {"level": "note", "message": {"text": f"skipped: {name} ({why})"}}
    if run.not_reached:
        yield {
            "level": "error",
            "message": {"text": f"interrupted: {run.not_reached:,} files were not reached"},
        }


def _artifact(report: Report, uri: str) -> dict[str, Any]:
    found: dict[str, Any] = {"location": {"uri": uri}, "roles": ["analysisTarget"]}
    if report.digest:
        found |= {"length": report.size, "hashes": {"sha-256": report.digest}}
    found["properties"] = {"outcome": report.outcome, "exitCode": report.exit_code, "summary": report.summary}
    return found


def _uri(name: str) -> str:
    """Return the name of a file as a URI reference (RFC 3986); an absolute one as ``file:``."""
    text = _percent_encoded(name)
    return f"file://{text}" if text.startswith("/") else text


def _percent_encoded(name: str) -> str:
    raw = name.encode("utf-8", "surrogateescape") if _encodes(name) else name.encode("utf-8", "replace")
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in raw)


def _encodes(name: str) -> bool:
    try:
        name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
