"""``secureload keygen``: make a key pair."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from secureload.cli.output import emit, note
from secureload.cli.passphrase import ask_passphrase, given_passphrase
from secureload.errors import UsageError
from secureload.printable import printable

__all__ = ["KeyFormat", "add_to", "keygen"]

# As the trust store names keys, so that the name can be used there.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,123}", re.ASCII)


class KeyFormat(StrEnum):
    """How a private key file is written."""

    OPENSSH = "openssh"
    PKCS8 = "pkcs8"


_EPILOG = """\b
Examples:
  secureload keygen --name alice
  secureload keygen --name ci --output-dir keys --passphrase-fd 3 3<passphrase.txt
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(keygen)


def keygen(
    name: Annotated[str, typer.Option("--name", help="Whose key it is; the files are called so.")],
    output_dir: Annotated[
        Path | None,
        typer.Option("--output-dir", help="Where to; by default the configuration folder.", readable=False),
    ] = None,
    key_format: Annotated[
        KeyFormat, typer.Option("--format", help="How the private key is written.")
    ] = KeyFormat.OPENSSH,
    no_passphrase: Annotated[
        bool, typer.Option("--no-passphrase", help="Write the private key unencrypted.")
    ] = False,
    passphrase_fd: Annotated[
        int | None, typer.Option("--passphrase-fd", help="Read the passphrase from this descriptor.", min=0)
    ] = None,
) -> None:
    """Make an Ed25519 key pair: NAME (private, encrypted, mode 0600) and NAME.pub."""
    from secureload.signing.keys import SigningKey
    from secureload.trust.files import make_folder
    from secureload.trust.folders import default_config_folder
    from secureload.trust.keyfiles import write_private_key, write_public_key

    _check_name(name)
    if no_passphrase and passphrase_fd is not None:
        raise UsageError("--no-passphrase and --passphrase-fd exclude each other", hint="give one of them")
    folder = default_config_folder() if output_dir is None else output_dir
    private, public = folder / name, folder / f"{name}.pub"
    for path in (private, public):
        if os.path.lexists(path):
            raise UsageError(
                f"{printable(path, 160)} exists already, and keys are never overwritten",
                hint="choose another --name, or move the old file away yourself",
            )
    passphrase = None if no_passphrase else given_passphrase(passphrase_fd)
    if passphrase is None and not no_passphrase:
        passphrase = ask_passphrase(f"Passphrase for the new key {name!r}", twice=True)
    key = SigningKey.generate(name)
    make_folder(folder)
    write_private_key(private, key, passphrase, container=key_format.value)
    write_public_key(public, key.public)
    if no_passphrase:
        note("warning: the private key is not encrypted; whoever reads the file can sign as you")
    emit(
        f"private key: {printable(private, 400)}\n"
        f"public key:  {printable(public, 400)}\n"
        f"fingerprint: {key.public.fingerprint}\n"
        f"next: give {name}.pub to those who check your models; they run 'secureload trust add {name}.pub "
        "--role signer'"
    )


def _check_name(name: str) -> None:
    if _NAME.fullmatch(name) is None or name.endswith(".pub"):
        raise UsageError(
            f"the key name {printable(name, 60)!r} cannot be used",
            hint="use letters, digits and ._@+-, and no .pub at the end",
        )
