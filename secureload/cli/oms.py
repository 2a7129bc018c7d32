"""``secureload verify --oms-key``: signatures that OpenSSF's model signer made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from secureload.cli.output import Format, emit, emit_json
from secureload.cli.progress import progress_of
from secureload.printable import printable

__all__ = ["OmsKeyOption", "OmsRootOption", "SignatureOption", "write_oms"]

OmsKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--oms-key", help="Verify a signature by OpenSSF's model signer, with this public key (PEM)."
    ),
]
OmsRootOption = Annotated[
    Path | None,
    typer.Option("--oms-root", help="The same by a certificate, up to one of these root certificates (PEM)."),
]
SignatureOption = Annotated[
    Path | None,
    typer.Option("--signature", help="Where that signature is; by default PATH.sig, in a folder model.sig."),
]


def write_oms(
    path: Path, key: Path | None, root: Path | None, signature: Path | None, output_format: Format
) -> None:
    """Verify an OMS signature and say what it vouches for."""
    from secureload.api.oms import verify_oms

    with progress_of(path) as progress:
        verified = verify_oms(path, public_key=key, roots=root, signature=signature, progress=progress)
    manifest = verified.manifest
    fields = {
        "locator": printable(path, 4_096),
        "outcome": "verified",
        "sha256": manifest.shown_digest,
        "kind": manifest.kind,
        "members": len(manifest.members),
        "name": printable(verified.name, 1_000),
        "signer": printable(verified.signer, 1_000),
        "curve": verified.curve,
        "method": verified.method,
        "signature": printable(verified.signature, 4_096),
        "ignored": [printable(one, 1_000) for one in verified.ignored],
    }
    if output_format is Format.JSON:
        emit_json(fields)
        return
    lines = [
        f"verified: {printable(path, 400)}",
        f"  sha256:  {fields['sha256']}",
        f"  members: {fields['members']:,}",
        f"  signed by {fields['signer']} ({verified.curve}, OMS v1.0, by {verified.method})",
        f"    name:    {fields['name']}",
    ]
    lines += [
        f"  left out by its signer, nobody vouches for it: {printable(one, 400)}" for one in verified.ignored
    ]
    emit("\n".join(lines))
