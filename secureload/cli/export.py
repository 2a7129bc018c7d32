"""``secureload export``: a signature that another tool verifies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secureload.cli.output import Format, emit, emit_json
from secureload.cli.progress import progress_of
from secureload.cli.signers import unlocked
from secureload.cli.trust import StoreOption
from secureload.errors import UsageError
from secureload.printable import printable

if TYPE_CHECKING:
    from secureload.signing.ecdsa import EcdsaSigner

__all__ = ["add_to", "export"]

_EPILOG = """\b
Examples:
  openssl ecparam -name prime256v1 -genkey -noout -out oms.pem; chmod 600 oms.pem
  secureload export model-folder --oms --key oms.pem
  openssl pkey -in oms.pem -pubout -out oms.pub
  model_signing verify key model-folder --signature model-folder.oms.sig --public_key oms.pub
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(export)


def export(
    path: Annotated[Path, typer.Argument(help="A file or a folder that was signed.", readable=False)],
    key: Annotated[
        Path, typer.Option("--key", help="An ECDSA private key in PEM, P-256 by custom.", readable=False)
    ],
    oms: Annotated[bool, typer.Option("--oms", help="For OpenSSF's model signer (OMS v1.0).")] = False,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", help="The key's certificate in PEM, for 'verify certificate'."),
    ] = None,
    chain: Annotated[
        Path | None, typer.Option("--chain", help="The certificates between it and its root, in PEM.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to; by default PATH.oms.sig.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    trust_store: StoreOption = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The signed name, where it was renamed since.")
    ] = None,
    passphrase_fd: Annotated[
        int | None, typer.Option("--passphrase-fd", help="Read the passphrase from this descriptor.", min=0)
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TEXT,
) -> None:
    """Sign a model that somebody trusted has signed once more, in a form that other tools verify."""
    from secureload.api.oms import export_oms

    if not oms:
        raise UsageError("say which tool it is for", hint="--oms is OpenSSF's model signer, the one there is")
    signer = _signer(key, passphrase_fd)
    with progress_of(path) as progress:
        exported = export_oms(
            path,
            key=signer,
            certificate=certificate,
            chain=chain,
            output=output,
            force=force,
            trust_store=trust_store,
            name=name,
            progress=progress,
        )
    fields = {
        "name": printable(exported.name, 1_000),
        "sha256": exported.manifest.shown_digest,
        "members": len(exported.manifest.members),
        "key": exported.signer,
        "written": printable(exported.written, 4_096),
    }
    if output_format is Format.JSON:
        emit_json({"outcome": "exported", **fields})
    else:
        emit("\n".join(f"{label + ':':9} {value}" for label, value in fields.items()))


def _signer(path: Path, descriptor: int | None) -> EcdsaSigner:
    from secureload.api.oms import read_oms_key

    prompt = f"Passphrase of {printable(path, 160)}"
    return unlocked(lambda word: read_oms_key(path, word), "passphrase-missing", prompt, descriptor)
