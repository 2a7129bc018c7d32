"""``secureload show``: everything that is stated about a model, and by whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from secureload.cli.output import Format, emit, emit_json
from secureload.cli.progress import progress_of
from secureload.cli.trust import StoreOption
from secureload.printable import printable

if TYPE_CHECKING:
    from secureload.policy.signature_rules import SignatureResult
    from secureload.policy.verification import Verification
    from secureload.signing.predicates.metadata import Metadata

__all__ = ["add_to", "show"]

_MOST_FEATURES = 20
_TEXT_CHARS = 1_000
_EPILOG = """\b
Examples:
  secureload show model.joblib
  secureload show model.joblib --format json
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(show)


def show(
    path: Annotated[Path, typer.Argument(help="A file or a folder that was signed.", readable=False)],
    trust_store: StoreOption = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The signed name, where it was renamed since.")
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TEXT,
) -> None:
    """Show what trusted keys state about a model: its metadata, approvals, scans and lineage.

    What does not count is named, and its contents are not shown: anybody could have written them.
    """
    from secureload.api.policy_answers import policy_answers
    from secureload.policy.policy_toml import profile

    with progress_of(path) as progress:
        asked = policy_answers(
            path, policy=profile("standard"), trust_store=trust_store, name=name, progress=progress
        )
    if asked.verification is None or not asked.verification.good:
        if asked.error is not None:
            raise asked.error
        if asked.verification is not None:
            asked.verification.require()
    assert asked.verification is not None  # noqa: S101  # otherwise there is an error
    if output_format is Format.JSON:
        emit_json({"locator": printable(path, 4_096), **_fields(asked.verification)})
    else:
        emit("\n".join([f"{printable(path, 400)}", *_lines(asked.verification)]))


def _good(verification: Verification) -> list[SignatureResult]:
    return [one for one in (*verification.results, *verification.attestations) if one.status.value == "good"]


def _fields(verification: Verification) -> dict[str, Any]:
    from secureload.signing.instants import encode_instant
    from secureload.signing.predicates.catalog import PREDICATES

    statements = []
    for result in _good(verification):
        said = result.attestation or result.statement
        if said is None:
            continue
        predicate: dict[str, Any] = {}
        if result.attestation is not None:
            predicate = PREDICATES[result.kind].encode(result.attestation.predicate)
        statements.append(
            {
                "kind": result.kind,
                "by": result.key_name,
                "fingerprint": result.fingerprint,
                "name": printable(said.name, _TEXT_CHARS),
                "version": None if said.version is None else printable(said.version, _TEXT_CHARS),
                "created": encode_instant(said.created),
                "expires": None if said.expires is None else encode_instant(said.expires),
                **({"predicate": predicate} if predicate else {}),
            }
        )
    good = _good(verification)
    rest = [one for one in (*verification.results, *verification.attestations) if one not in good]
    return {
        "statements": statements,
        "not_counted": [
            printable(f"{'' if one.kind == 'signature' else f'{one.kind}: '}{one.message}", _TEXT_CHARS)
            for one in rest
        ],
        "ignored": [printable(name, _TEXT_CHARS) for name in verification.ignored],
    }


def _lines(verification: Verification) -> list[str]:
    shown = _fields(verification)
    lines = []
    for result, fields in zip(
        [one for one in _good(verification) if one.attestation or one.statement],
        shown["statements"],
        strict=True,
    ):
        version = f" version {fields['version']}" if fields["version"] else ""
        until = f", until {fields['expires']}" if fields["expires"] else ""
        lines.append(f"{fields['kind']} by {fields['by']} ({fields['fingerprint']})")
        lines.append(f"  about {fields['name']}{version}, on {fields['created']}{until}")
        if result.kind == "metadata" and result.attestation is not None:
            lines += [f"  {line}" for line in _metadata(result.attestation.predicate)]
        elif result.attestation is not None:
            lines += [f"  {line}" for line in _flat(fields.get("predicate", {}))]
    lines += [f"left out by the signer: {name}" for name in shown["ignored"]]
    return lines + [f"not counted: {line}" for line in shown["not_counted"]]


def _metadata(metadata: Metadata) -> list[str]:
    lines = [f"estimator:     {metadata.estimator}"] if metadata.estimator else []
    lines += [f"trained:       {metadata.trained}"] if metadata.trained else []
    lines += [
        f"metric:        {printable(name, 100)} = {value:g}" for name, value in metadata.metrics.items()
    ]
    lines += [
        f"library:       {printable(name, 100)} {version}" for name, version in metadata.libraries.items()
    ]
    if metadata.training_data is not None:
        data = metadata.training_data
        lines.append(f"training data: {data.rows:,} rows, sha256 {data.digest.hex()}")
    if metadata.features:
        lines.append(f"features:      {len(metadata.features):,}")
        lines += [f"  {printable(one.name, 100)}: {one.dtype}" for one in metadata.features[:_MOST_FEATURES]]
        if len(metadata.features) > _MOST_FEATURES:
            lines.append(f"  and {len(metadata.features) - _MOST_FEATURES:,} more")
    if metadata.golden is not None:
        methods = ", ".join(metadata.golden.outputs)
        exact = "to the bit" if not metadata.golden.tolerance else f"to {metadata.golden.tolerance:g}"
        lines.append(f"golden rows:   {metadata.golden.rows:,}, with {methods}, {exact}")
    lines += [f"lineage:       {printable(name, 100)} = {value}" for name, value in metadata.lineage.items()]
    return lines + [
        f"{printable(name, 60)}: {printable(value, _TEXT_CHARS)}" for name, value in metadata.extra.items()
    ]


def _flat(value: Any, prefix: str = "") -> list[str]:
    """Return the leaves of a predicate, a line each."""
    if isinstance(value, dict):
        return [line for name, item in value.items() for line in _flat(item, f"{prefix}{name}.")]
    if isinstance(value, list):
        return [line for item in value for line in _flat(item, prefix)]
    return [f"{printable(prefix.rstrip('.'), 200)}: {printable(value, _TEXT_CHARS)}"]
