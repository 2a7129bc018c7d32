"""``secureload verify``: who vouches for a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from secureload.cli.output import Format, emit, emit_json
from secureload.cli.progress import progress_of
from secureload.cli.trust import StoreOption
from secureload.printable import printable

if TYPE_CHECKING:
    from secureload.api.verify import Verified

__all__ = ["add_to", "verify"]

_TEXT_CHARS = 1_000
_EPILOG = """\b
Examples:
  secureload verify model.joblib
  secureload verify renamed.joblib --name model.joblib
  secureload verify model-folder --trust-store keys --format json
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(verify)


def verify(
    path: Annotated[Path, typer.Argument(help="A file or a folder that was signed.", readable=False)],
    trust_store: StoreOption = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The signed name, where it was renamed since.")
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TEXT,
) -> None:
    """Verify that somebody whom you trust signed exactly these bytes; what they would do is not examined."""
    from secureload.api.verify import verify as verify_path

    with progress_of(path) as progress:
        verified = verify_path(path, trust_store=trust_store, name=name, progress=progress)
    if output_format is Format.JSON:
        emit_json(_fields(path, verified))
    else:
        emit(_text(path, verified))


def _signatures(verified: Verified) -> list[dict[str, Any]]:
    from secureload.signing.instants import encode_instant

    found = []
    for result in verified.verification.good:
        if result.statement is None:
            continue
        said = result.statement
        found.append(
            {
                "signer": result.key_name,
                "fingerprint": result.fingerprint,
                "name": printable(said.name, _TEXT_CHARS),
                "version": None if said.version is None else printable(said.version, _TEXT_CHARS),
                "created": encode_instant(said.created),
                "expires": None if said.expires is None else encode_instant(said.expires),
            }
        )
    return found


def _digest(verified: Verified) -> str:
    manifest = verified.manifest
    return (manifest.members[0].digest if manifest.kind == "file" else manifest.subject_digest).hex()


def _not_counted(verified: Verified) -> list[str]:
    good = verified.verification.good
    return [
        printable(result.message, _TEXT_CHARS)
        for result in verified.verification.results
        if result not in good
    ]


def _fields(path: Path, verified: Verified) -> dict[str, Any]:
    return {
        "locator": printable(path, 4_096),
        "outcome": "verified",
        "sha256": _digest(verified),
        "kind": verified.manifest.kind,
        "members": len(verified.manifest.members),
        "sidecar": printable(verified.sidecar, 4_096),
        "signatures": _signatures(verified),
        "not_counted": _not_counted(verified),
    }


def _text(path: Path, verified: Verified) -> str:
    lines = [f"verified: {printable(path, 400)}", f"  sha256:  {_digest(verified)}"]
    if verified.manifest.kind == "folder":
        lines.append(f"  members: {len(verified.manifest.members):,}")
    for found in _signatures(verified):
        lines += [
            f"  signed by {found['signer']} ({found['fingerprint']})",
            f"    name:    {found['name']}",
            f"    version: {found['version'] or 'not given'}",
            f"    created: {found['created']}",
            f"    expires: {found['expires'] or 'never'}",
        ]
    lines += [f"  not counted: {message}" for message in _not_counted(verified)]
    return "\n".join(lines)
