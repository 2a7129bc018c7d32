"""The report as JSON: one object, keys in a fixed order, ASCII only."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Final

from secureload.report.printed import printed
from secureload.report.report import Report, conclusion, ordered_findings, ordered_members

__all__ = ["SCHEMA", "render_json", "report_fields"]

SCHEMA: Final = "https://secureload.dev/schema/check/v1"
_TEXT_CHARS: Final = 8_192
_SOURCE_LINES: Final = 100_000


def render_json(report: Report) -> str:
    """Return the report as JSON text with a newline at its end; the same report gives the same bytes.

    ``schema`` names the format; ``decompiled`` is a list of lines. Every text is made printable, cut to 8,192
    characters.
    """
    return json.dumps(report_fields(report), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def report_fields(report: Report) -> dict[str, Any]:
    """Return what :func:`render_json` writes, as plain dictionaries, lists, texts and numbers."""
    shown = printed(report, text_chars=_TEXT_CHARS, source_lines=_SOURCE_LINES)
    coverage = shown.coverage
    return {
        "schema": SCHEMA,
        "title": shown.title,
        "locator": shown.locator,
        "digest": shown.digest,
        "outcome": shown.outcome,
        "exit_code": int(shown.exit_code),
        "conclusion": conclusion(shown),
        "summary": shown.summary,
        "admission": shown.admission,
        "hint": shown.hint,
        "signatures": list(shown.signatures),
        "findings": [dataclasses.asdict(finding) for finding in ordered_findings(shown)],
        "coverage": None
        if coverage is None
        else {
            "members_examined": coverage.members_examined,
            "members_skipped": coverage.members_skipped,
            "bytes_total": coverage.bytes_total,
            "bytes_examined": coverage.bytes_examined,
            "bytes_unreadable": coverage.bytes_unreadable,
            "skipped": [{"name": name, "why": why} for name, why in coverage.skipped],
        },
        "members": [dataclasses.asdict(member) for member in ordered_members(shown)],
        "sections": [
            {
                "heading": section.heading,
                "rows": [{"label": label, "value": value} for label, value in section.rows],
                "lines": list(section.lines),
            }
            for section in shown.sections
        ],
        "decompiled": shown.decompiled.split("\n") if shown.decompiled else [],
    }
