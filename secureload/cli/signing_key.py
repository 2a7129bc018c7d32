"""Which key signs: the options that every signing command has, and the signer that they mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secureload.cli.output import note
from secureload.cli.passphrase import ask_passphrase, given_passphrase
from secureload.errors import UsageError
from secureload.printable import printable
from secureload.trust.own_files import find_own_file, only_private_key

if TYPE_CHECKING:
    from secureload.signing.keys import Signer, SigningKey

__all__ = ["KeyOption", "PassphraseOption", "choose_signer", "read_key"]

KeyOption = Annotated[
    Path | None,
    typer.Option("--key", help="The private key; by default the only one that you have.", readable=False),
]
PassphraseOption = Annotated[
    int | None, typer.Option("--passphrase-fd", help="Read the passphrase from this descriptor.", min=0)
]


def choose_signer(key: Path | None, passphrase_fd: int | None) -> Signer:
    """Return the signer that the options mean, and say what about its key is weak."""
    signer = read_key(only_private_key() if key is None else find_own_file(key), passphrase_fd)
    for warning in signer.warnings:
        note(f"warning: {printable(warning, 400)}")
    return signer


def read_key(path: Path, descriptor: int | None) -> SigningKey:
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
