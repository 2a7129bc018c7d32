"""``secureload policy``: read a policy, and see what a model lacks for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from secureload.cli.output import Format, emit, emit_json
from secureload.cli.progress import progress_of
from secureload.cli.trust import StoreOption
from secureload.errors import ExitCode
from secureload.printable import printable

if TYPE_CHECKING:
    from secureload.api.policy_answers import PolicyAnswers
    from secureload.policy.verdict import Policy

__all__ = ["PolicyOption", "add_to", "show", "test"]

PolicyOption = Annotated[
    str | None,
    typer.Option("--policy", help="A policy: standard, strict, or the path of a TOML file."),
]
_app = typer.Typer(help="Read policies, and see what a model lacks for one.", rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_app, name="policy")


@_app.command(
    epilog="\b\nExamples:\n  secureload policy show strict\n  secureload policy show ./production.toml"
)
def show(
    policy: Annotated[str, typer.Argument(help="The name of a policy, or the path of a file.")] = "",
    output_format: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TEXT,
) -> None:
    """Show a policy as a file to begin with; without a name, list those that have one."""
    from secureload.api.policies import resolve_policy
    from secureload.policy.policy_toml import PROFILES, profile, profile_text

    if not policy:
        shown = [(name, profile(name).reason) for name in PROFILES]
        if output_format is Format.JSON:
            emit_json({"policies": [{"name": name, "reason": reason} for name, reason in shown]})
        else:
            emit("\n".join(f"{name}\n  {reason}" for name, reason in shown))
        return
    found = resolve_policy(policy)
    if output_format is Format.JSON:
        emit_json(_fields(found))
    elif policy in PROFILES:
        emit(profile_text(policy))
    else:
        emit(_text(found))


@_app.command(epilog="\b\nExample:\n  secureload policy test model.joblib --policy strict")
def test(
    path: Annotated[Path, typer.Argument(help="A file or a folder.", readable=False)],
    policy: PolicyOption = None,
    trust_store: StoreOption = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The signed name, where it was renamed since.")
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TEXT,
) -> None:
    """Say of each rule of a policy whether a model meets it, and what is missing; nothing is loaded or remembered."""
    from secureload.api.policy_answers import policy_answers

    with progress_of(path) as progress:
        tested = policy_answers(path, policy=policy, trust_store=trust_store, name=name, progress=progress)
    if output_format is Format.JSON:
        emit_json(_tested_fields(path, tested))
    else:
        emit(_tested_text(path, tested))
    if tested.missing:
        raise typer.Exit(int(ExitCode.UNTRUSTED))


def _fields(policy: Policy) -> dict[str, Any]:
    return {
        "name": policy.name,
        "reason": policy.reason,
        "fail_on": policy.fail_on.value,
        "formats": list(policy.formats),
        "allow": list(policy.allow),
        "require_version": policy.require_version,
        "require": [
            {
                "statement": rule.statement,
                "keys": rule.keys,
                "role": rule.role,
                "by": list(rule.by),
                "max_age_hours": None if rule.max_age is None else int(rule.max_age.total_seconds() // 3600),
                "independent": rule.independent,
                "reason": rule.reason,
            }
            for rule in policy.requirements
        ],
    }


def _text(policy: Policy) -> str:
    lines = [f"policy: {policy.name}"]
    lines += [f"  reason: {policy.reason}"] if policy.reason else []
    for rule in policy.requirements:
        lines.append(f"  requires {rule.describe()}")
        lines += [f"    because {rule.reason}"] if rule.reason else []
    lines += ["  requires a signed version"] if policy.require_version else []
    lines += [f"  admits the formats {', '.join(policy.formats)}"] if policy.formats else []
    lines += [f"  allows {name}" for name in policy.allow]
    lines.append(f"  findings count from {policy.fail_on.value} on")
    if not policy.requirements:
        lines.append("  requires nothing: whoever can write the file is obeyed")
    return "\n".join(lines)


def _tested_fields(path: Path, tested: PolicyAnswers) -> dict[str, Any]:
    return {
        "locator": printable(path, 4_096),
        "policy": tested.policy.name,
        "satisfied": not tested.missing,
        "rules": [
            {
                "rule": answer.requirement.describe(),
                "met": answer.is_met,
                "counted": list(answer.counted),
                "not_counted": [printable(line, 1_000) for line in answer.not_counted],
            }
            for answer in tested.answers
        ],
        "missing": [printable(line, 1_000) for line in tested.missing],
    }


def _tested_text(path: Path, tested: PolicyAnswers) -> str:
    lines = [f"policy {tested.policy.name}: {printable(path, 400)}"]
    for answer in tested.answers:
        rule = answer.requirement
        lines.append(f"  {'met    ' if answer.is_met else 'MISSING'} {rule.describe()}")
        if answer.counted:
            lines.append(f"            by {', '.join(answer.counted)}")
        lines += [f"            not counted: {printable(line, 400)}" for line in answer.not_counted]
        if not answer.is_met and rule.reason:
            lines.append(f"            because {rule.reason}")
    rules = {answer.missing for answer in tested.answers}
    lines += [f"  MISSING {printable(line, 400)}" for line in tested.missing if line not in rules]
    lines.append("satisfied" if not tested.missing else f"not satisfied: {len(tested.missing):,} missing")
    return "\n".join(lines)
