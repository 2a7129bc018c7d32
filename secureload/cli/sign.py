"""``secureload sign``: vouch for a model with your key."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secureload.cli.moments import parse_moment
from secureload.cli.output import emit, note
from secureload.cli.own_files import find_own_file, only_private_key
from secureload.cli.passphrase import ask_passphrase, given_passphrase
from secureload.cli.progress import progress_of
from secureload.errors import UsageError
from secureload.printable import printable

if TYPE_CHECKING:
    from secureload.api.sign import Signed
    from secureload.signing.keys import SigningKey

__all__ = ["add_to", "sign"]

_EPILOG = """\b
Examples:
  secureload sign model.joblib
  secureload sign model.joblib --model-version 1.4 --expires 90d
  secureload sign model-folder --key ~/keys/release
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(sign)


def sign(
    path: Annotated[Path, typer.Argument(help="A file or a folder.", readable=False)],
    key: Annotated[
        Path | None,
        typer.Option("--key", help="The private key; by default the only one that you have.", readable=False),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The model's name; by default the file's.")
    ] = None,
    model_version: Annotated[
        str | None, typer.Option("--model-version", "--version", help="The model's version, such as 1.4.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", help="Until when it counts: 90d, or 2027-01-01.")
    ] = None,
    passphrase_fd: Annotated[
        int | None, typer.Option("--passphrase-fd", help="Read the passphrase from this descriptor.", min=0)
    ] = None,
) -> None:
    """Sign a file (into PATH.sig) or a folder (into PATH/model.sig)."""
    from secureload.api.sign import sign as sign_artifact
    from secureload.artifact.opening import os_failure

    until = None if expires is None else parse_moment(expires, "--expires", datetime.now(UTC))
    try:
        path.lstat()  # before anybody is asked for a passphrase
    except OSError as error:
        raise os_failure(error, printable(path)) from None
    except ValueError:
        raise UsageError(f"{printable(path)!r} is not a path") from None
    signer = _read_key(only_private_key() if key is None else find_own_file(key), passphrase_fd)
    for warning in signer.warnings:
        note(f"warning: {printable(warning, 400)}")
    with progress_of(path) as progress:
        signed = sign_artifact(
            path, key=signer, name=name, version=model_version, expires=until, progress=progress
        )
    emit(_text(signed, model_version, until))


def _read_key(path: Path, descriptor: int | None) -> SigningKey:
    """Read the key; a passphrase is looked for, or asked for, only where the key is encrypted."""
    from secureload.trust.keyfiles import read_private_key

    try:
        return read_private_key(path)
    except UsageError as error:
        if error.fields.get("reason") != "passphrase-missing":
            raise
    passphrase = given_passphrase(descriptor)
    if passphrase is None:
        passphrase = ask_passphrase(f"Passphrase of {printable(path, 160)}")
    return read_private_key(path, passphrase)


def _text(signed: Signed, version: str | None, until: datetime | None) -> str:
    from secureload.signing.instants import encode_instant

    manifest = signed.manifest
    digest = (manifest.members[0].digest if manifest.kind == "file" else manifest.subject_digest).hex()
    rows = [
        ("signed", printable(signed.name, 400)),
        ("version", printable(version, 400) if version is not None else ""),
        ("expires", encode_instant(until) if until is not None else ""),
        ("sha256", digest),
        ("members", f"{len(manifest.members):,}" if manifest.kind == "folder" else ""),
        ("key", signed.fingerprint),
        ("written", printable(signed.sidecar, 400)),
        ("kept", f"{signed.kept:,} signatures of other keys" if signed.kept else ""),
        (
            "dropped",
            f"{signed.dropped:,} signatures that were replaced or about other bytes"
            if signed.dropped
            else "",
        ),
    ]
    return "\n".join(f"{label + ':':9} {value}" for label, value in rows if value)
