"""``secureload sign``: vouch for a model with your key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from secureload.cli.sign_run import run_sign
from secureload.cli.signing_key import AgentOption, KeyOption, PassphraseOption, Pkcs11Option

__all__ = ["add_to", "sign"]

_EPILOG = """\b
Examples:
  secureload sign model.joblib
  secureload sign model.joblib --model-version 1.4 --expires 90d
  secureload sign model.joblib --metadata meta.toml
  secureload sign model-folder --key ~/keys/release --ignore .git
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(sign)


def sign(
    path: Annotated[Path, typer.Argument(help="A file or a folder.", readable=False)],
    key: KeyOption = None,
    agent: AgentOption = False,
    pkcs11: Pkcs11Option = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The model's name; by default the file's.")
    ] = None,
    model_version: Annotated[
        str | None, typer.Option("--model-version", "--version", help="The model's version, such as 1.4.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", help="Until when it counts: 90d, or 2027-01-01.")
    ] = None,
    metadata: Annotated[
        Path | None,
        typer.Option("--metadata", help="A TOML file with what is known of the model.", readable=False),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            "--ignore", help="Leave this path of a folder out; it is signed that you did. Repeatable."
        ),
    ] = None,
    incremental: Annotated[
        bool, typer.Option("--incremental", help="Take digests of unchanged files from your own cache.")
    ] = False,
    passphrase_fd: PassphraseOption = None,
) -> None:
    """Sign a file (into PATH.sig) or a folder (into PATH/model.sig)."""
    run_sign(
        path,
        key=key,
        agent=agent,
        pkcs11=pkcs11,
        name=name,
        model_version=model_version,
        expires=expires,
        metadata=metadata,
        ignore=ignore or (),
        incremental=incremental,
        passphrase_fd=passphrase_fd,
    )
