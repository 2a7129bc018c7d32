"""``secureload key fingerprint``: which key a file holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from secureload.cli.output import emit
from secureload.trust.own_files import find_own_file

__all__ = ["add_to", "fingerprint"]

_app = typer.Typer(help="Look at keys.", rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_app, name="key")


@_app.callback()
def _key() -> None:
    """Look at keys."""


@_app.command(epilog="\b\nExample:\n  secureload key fingerprint alice.pub")
def fingerprint(
    file: Annotated[Path, typer.Argument(metavar="PUBFILE", help="A .pub file.", readable=False)],
) -> None:
    """Show the fingerprint of a public key, as ssh-keygen -l does."""
    from secureload.trust.keyfiles import read_public_key

    key = read_public_key(find_own_file(file))
    emit(f"{key.fingerprint} {key.comment}".rstrip())
