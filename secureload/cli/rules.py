"""``secureload rules`` and ``secureload explain``: what the findings' ids mean."""

from __future__ import annotations

from typing import Annotated

import typer

from secureload.cli.output import Format, emit, emit_json
from secureload.errors import UsageError
from secureload.printable import printable

__all__ = ["add_to", "explain", "rules"]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="\b\nExample:\n  secureload rules")(rules)
    app.command(epilog="\b\nExample:\n  secureload explain SL101")(explain)


def rules(
    output_format: Annotated[Format, typer.Option("--format", help="How to write them.")] = Format.TEXT,
) -> None:
    """List the rules that a file is examined by."""
    from secureload.scan.examine import all_rules

    if output_format is Format.JSON:
        emit_json(
            [
                {"id": rule.rule_id, "title": rule.title, "explanation": rule.explanation}
                for rule in all_rules()
            ]
        )
        return
    lines = [f"{rule.rule_id}  {rule.title}" for rule in all_rules()]
    emit("\n".join([*lines, "", "secureload explain ID says more about one of them."]))


def explain(rule_id: Annotated[str, typer.Argument(metavar="ID", help="Such as SL101.")]) -> None:
    """Explain one rule: what it finds, and what to do about it."""
    from secureload.scan.examine import all_rules

    found = next((rule for rule in all_rules() if rule.rule_id == rule_id.upper()), None)
    if found is None:
        known = ", ".join(rule.rule_id for rule in all_rules())
        raise UsageError(f"there is no rule {printable(rule_id, 40)!r}", hint=f"rules are {known}")
    emit(f"{found.rule_id}  {found.title}\n\n{found.explanation}")
