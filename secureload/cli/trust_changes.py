"""``secureload trust rotate | import | forget``: changes of a trust store beyond one key."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from secureload.cli.output import emit
from secureload.cli.trust import StoreOption, trust_folder
from secureload.printable import printable

__all__ = ["add_changes"]


def add_changes(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="\b\nExample:\n  secureload trust rotate alice.rotation")(rotate)
    app.command(
        "import",
        epilog="\b\nExamples:\n  secureload trust import project/keys\n"
        "  secureload trust import allowed_signers --role signer",
    )(import_)
    app.command(epilog="\b\nExample:\n  secureload trust forget --trust-store keys")(forget)


def rotate(
    file: Annotated[
        Path,
        typer.Argument(metavar="ROTATION", help="What 'secureload key rotate' wrote.", readable=False),
    ],
    name: Annotated[str, typer.Option("--name", help="What the new key is called here.")] = "",
    trust_store: StoreOption = None,
) -> None:
    """Let a key that you trust hand over to the next: both have signed that. The old one retires."""
    from secureload.limits import DEFAULT_LIMITS
    from secureload.signing.instants import encode_instant
    from secureload.signing.rotation import verify_rotation
    from secureload.signing.sidecar import parse_sidecar
    from secureload.trust.changes import rotate_key
    from secureload.trust.files import read_file

    rotation = verify_rotation(parse_sidecar(read_file(file, DEFAULT_LIMITS.key_file_bytes)))
    old, new = rotate_key(trust_folder(trust_store), rotation, now=datetime.now(UTC), name=name)
    until = encode_instant(old.valid_until) if old.valid_until is not None else "never"
    emit(
        f"trusted: {new.name} as {', '.join(sorted(new.roles))} for models {printable(', '.join(new.models), 400)}\n"
        f"fingerprint: {new.public_key.fingerprint}\n"
        f"retired: {old.name}, which counts until {until}"
    )


def import_(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", help="Another trust store, or an allowed_signers file.", readable=False
        ),
    ],
    role: Annotated[
        list[str] | None, typer.Option("--role", help="Give them these roles; may be repeated.")
    ] = None,
    trust_store: StoreOption = None,
) -> None:
    """Trust whom another trust store trusts, and revoke here whom it has revoked.

    Look at it first: 'secureload trust list --trust-store SOURCE'.
    """
    from secureload.trust.changes import import_keys

    added, revoked, left = import_keys(trust_folder(trust_store), source, roles=role or ())
    lines = [
        f"trusted: {entry.name} as {', '.join(sorted(entry.roles))} ({entry.public_key.fingerprint})"
        for entry in added
    ]
    lines += [
        f"revoked: {entry.name} ({printable(entry.revoked_reason, 400)}), as it is there" for entry in revoked
    ]
    lines += [f"left out: {printable(line, 400)}" for line in left]
    emit("\n".join(lines) or "nothing to import")


def forget(trust_store: StoreOption = None) -> None:
    """Forget which versions of models were seen with this trust store, and the latest time."""
    from secureload.signing.instants import encode_instant
    from secureload.trust.memory import forget as forget_memory

    before = forget_memory(trust_folder(trust_store))
    if before.latest is None:
        emit("nothing was remembered")
        return
    lines = [
        f"forgotten: {printable(name, 400)} {printable(seen, 200)}" for name, seen in before.versions.items()
    ]
    emit("\n".join([*lines, f"forgotten: the time {encode_instant(before.latest)}"]))
