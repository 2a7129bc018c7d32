"""Which key signs: the options that every signing command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["AgentOption", "KeyOption", "PassphraseOption", "Pkcs11Option"]

KeyOption = Annotated[
    Path | None,
    typer.Option(
        "--key",
        help="The private key; by default the only one that you have. With --agent: a .pub file or fingerprint.",
        readable=False,
    ),
]
AgentOption = Annotated[bool, typer.Option("--agent", help="Sign with a key in your SSH agent.")]
Pkcs11Option = Annotated[
    str | None,
    typer.Option("--pkcs11", metavar="URI", help="Sign with a key in a token: pkcs11:token=…;object=…"),
]
PassphraseOption = Annotated[
    int | None,
    typer.Option("--passphrase-fd", help="Read the passphrase or PIN from this descriptor.", min=0),
]
