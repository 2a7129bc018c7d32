"""The report as JSON: one document a run, keys in a fixed order, ASCII only.

Its schema ships with the package as ``report/schema/report-v1.json`` and is explained in ``docs/report.md``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from secureload.report.fingerprint import fingerprints
from secureload.report.printed import printed
from secureload.report.report import (
    Report,
    ReportConfinement,
    ReportCoverage,
    ReportPart,
    ReportSignature,
    conclusion,
)
from secureload.report.run import Run, counts, ordered_reports, run_conclusion

__all__ = ["SCHEMA", "SCHEMA_VERSION", "render_json", "run_fields"]

SCHEMA: Final = "secureload-report"
# A new field raises the second number; whatever could break a reader raises the first.
SCHEMA_VERSION: Final = "1.1"
_TEXT_CHARS: Final = 8_192
_SOURCE_LINES: Final = 100_000


def render_json(run: Run) -> str:
    """Return the run as JSON text with a newline at its end; the same run gives the same bytes.

    Every text is made printable and cut to 8,192 characters.
    """
    return json.dumps(run_fields(run), indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def run_fields(run: Run) -> dict[str, Any]:
    """Return what :func:`render_json` writes, as plain dictionaries, lists, texts and numbers."""
    shown = printed(run, text_chars=_TEXT_CHARS, source_lines=_SOURCE_LINES)
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "secureload", "version": shown.tool_version},
        "locator": shown.locator,
        "outcome": shown.outcome,
        "exit_code": shown.exit_code,
        "conclusion": run_conclusion(shown),
        "summary": shown.summary,
        "hint": shown.hint,
        "fail_on": shown.fail_on,
        "counts": counts(shown),
        "coverage": _coverage(shown.coverage),
        "signatures": _signatures(shown.signatures),
        "unknown_globals": list(shown.unknown_globals),
        "allow_command": shown.allow_command,
        "files": [_file(report) for report in ordered_reports(shown)],
        "skipped": [{"name": name, "why": why} for name, why in shown.skipped],
    }


def _file(report: Report) -> dict[str, Any]:
    return {
        "locator": report.locator,
        "path": report.path or None,
        "sha256": report.digest or None,
        "size": report.size,
        "outcome": report.outcome,
        "exit_code": report.exit_code,
        "conclusion": conclusion(report),
        "summary": report.summary,
        "policy": report.policy,
        "admission": report.admission,
        "reasons": [{"kind": kind, "text": text} for kind, text in report.reasons],
        "error": report.error or None,
        "hint": report.hint,
        "members": [_member(part) for part in report.parts],
        "findings": _findings(report),
        "coverage": None if report.coverage is None else _coverage(report.coverage),
        "signatures": _signatures(report.signatures),
        "unknown_globals": list(report.unknown_globals),
        "decompiled": report.decompiled.split("\n") if report.decompiled else [],
        "fickling": {"severity": report.fickling_severity, "messages": list(report.fickling_messages)},
        "confinement": _confinement(report.confinement),
    }


def _confinement(confinement: ReportConfinement | None) -> dict[str, Any] | None:
    if confinement is None:
        return None
    layers = [{"name": name, "state": state, "detail": detail} for name, state, detail in confinement.layers]
    return {"level": confinement.level, "layers": layers}


def _findings(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "id": finding.id,
            "severity": finding.severity,
            "confidence": finding.confidence,
            "title": finding.title,
            "member": finding.member,
            "offset": finding.offset if finding.offset >= 0 else None,
            "opcode": finding.opcode,
            "location": finding.location,
            "detail": finding.detail,
            "hint": finding.hint,
            "opcodes": list(finding.opcodes),
            "fingerprint": fingerprint,
        }
        for finding, fingerprint in fingerprints(report)
    ]


def _member(part: ReportPart) -> dict[str, Any]:
    return {
        "path": part.path,
        "format": part.format,
        "description": part.description,
        "reason": part.reason,
        "loader": part.loader,
        "compression": part.compression,
        "protocol": part.protocol if part.protocol >= 0 else None,
        "imports": part.imports,
        "operations": part.operations,
        "versions": [{"library": library, "version": version} for library, version in part.versions],
        "data_members": part.data_members,
        "bytes_total": part.bytes_total,
        "bytes_examined": part.bytes_examined,
        "name_disagrees": part.name_disagrees,
        "worst": part.worst or None,
    }


def _coverage(coverage: ReportCoverage) -> dict[str, Any]:
    return {
        "members_examined": coverage.members_examined,
        "members_skipped": coverage.members_skipped,
        "members_undecided": coverage.members_undecided,
        "bytes_total": coverage.bytes_total,
        "bytes_examined": coverage.bytes_examined,
        "bytes_unreadable": coverage.bytes_unreadable,
        "not_examined": [{"name": name, "why": why} for name, why in coverage.skipped],
    }


def _signatures(signatures: Iterable[ReportSignature]) -> list[dict[str, Any]]:
    return [
        {
            "status": signature.status,
            "text": signature.text,
            "signer": signature.signer or None,
            "fingerprint": signature.fingerprint or None,
            "name": signature.name or None,
            "version": signature.version or None,
            "created": signature.created or None,
            "expires": signature.expires or None,
        }
        for signature in signatures
    ]
