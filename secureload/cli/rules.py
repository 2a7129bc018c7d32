"""``secureload rules`` and ``secureload explain``: what the findings' ids mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from secureload.cli.output import Format, emit, emit_json
from secureload.errors import UsageError
from secureload.printable import printable

if TYPE_CHECKING:
    from secureload.report.rule_page import RulePage

__all__ = ["add_to", "explain", "rules"]

FormatOption = Annotated[Format, typer.Option("--format", help="How to write it.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="\b\nExample:\n  secureload rules")(rules)
    app.command(epilog="\b\nExamples:\n  secureload explain SL101\n  secureload explain SL401 --format json")(
        explain
    )


def rules(output_format: FormatOption = Format.TEXT) -> None:
    """List the rules that a file is examined by, and how bad what they find can be."""
    from secureload.api.rule_pages import rule_pages

    pages = rule_pages()
    if output_format is Format.JSON:
        emit_json([_fields(page) for page in pages])
        return
    severities = [" or ".join(page.severities) for page in pages]
    wide = max(map(len, severities))
    lines = [
        f"{page.id}  {severity:<{wide}}  {page.title}"
        for page, severity in zip(pages, severities, strict=True)
    ]
    emit("\n".join([*lines, "", "secureload explain ID says more about one of them."]))


def explain(
    rule_id: Annotated[str, typer.Argument(metavar="ID", help="Such as SL101.")],
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Explain one rule: what it finds, why that matters, and what to do about it."""
    from secureload.api.rule_pages import rule_pages

    found = next((page for page in rule_pages() if page.id == rule_id.upper()), None)
    if found is None:
        known = ", ".join(page.id for page in rule_pages())
        raise UsageError(f"there is no rule {printable(rule_id, 40)!r}", hint=f"rules are {known}")
    if output_format is Format.JSON:
        emit_json(_fields(found))
    else:
        emit(_text(found))


def _text(page: RulePage) -> str:
    lines = [f"{page.id}  {page.title}", f"severity: {' or '.join(page.severities)}", "", page.explanation]
    if page.codes:
        lines += ["", "It judges these observations:"]
        for code, severity, confidence, hint in page.codes:
            sure = "" if confidence == "high" else f", {confidence} confidence"
            lines += [f"  {code}  ({severity}{sure})", f"    {hint}"]
    return "\n".join([*lines, "", f"source: {page.source}"])


def _fields(page: RulePage) -> dict[str, Any]:
    return {
        "id": page.id,
        "title": page.title,
        "severities": list(page.severities),
        "explanation": page.explanation,
        "codes": [
            {"code": code, "severity": severity, "confidence": confidence, "hint": hint}
            for code, severity, confidence, hint in page.codes
        ],
        "source": page.source,
    }
