"""``secureload trust``: whom you trust, and for what."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from secureload.cli.moments import parse_moment
from secureload.cli.output import Format, emit, emit_json
from secureload.errors import UsageError
from secureload.printable import printable
from secureload.trust.own_files import find_own_file

if TYPE_CHECKING:
    from secureload.signing.truststore import TrustedKey, TrustStore

__all__ = ["StoreOption", "add", "add_to", "list_keys", "revoke", "trust_folder"]

StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--trust-store",
        metavar="FOLDER",
        help="Folder of the trust store; by default SECURELOAD_TRUST_STORE or your own.",
        readable=False,
    ),
]
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._@+-]+", re.ASCII)
_app = typer.Typer(help="Say whom you trust, and for what.", rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    from secureload.cli.trust_changes import add_changes

    add_changes(_app)
    app.add_typer(_app, name="trust")


@_app.command(
    epilog="\b\nExamples:\n  secureload trust add alice.pub --role signer\n"
    "  secureload trust add bob.pub --role signer --model 'fraud-*' --valid-until 2027-01-01"
)
def add(
    file: Annotated[
        Path, typer.Argument(metavar="PUBFILE", help="The public key; ask its owner for it.", readable=False)
    ],
    role: Annotated[
        list[str], typer.Option("--role", help="signer, approver, scanner, timestamper; repeatable.")
    ],
    name: Annotated[str | None, typer.Option("--name", help="By default the name of the file.")] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", help="Pattern of model names; may be repeated.")
    ] = None,
    valid_from: Annotated[str | None, typer.Option("--valid-from", help="Such as 2026-01-01.")] = None,
    valid_until: Annotated[str | None, typer.Option("--valid-until", help="Such as 2027-01-01.")] = None,
    trust_store: StoreOption = None,
) -> None:
    """Trust a public key in the roles that you name."""
    from secureload.trust.keyfiles import read_public_key
    from secureload.trust.store import add_trusted_key

    source = find_own_file(file)
    key = read_public_key(source)
    now = datetime.now(UTC)
    folder = trust_folder(trust_store)
    entry = add_trusted_key(
        folder,
        key,
        name=name if name is not None else _name_from(source),
        roles=role,
        models=model or ("*",),
        valid_from=None if valid_from is None else parse_moment(valid_from, "--valid-from", now),
        valid_until=None if valid_until is None else parse_moment(valid_until, "--valid-until", now),
    )
    emit(
        f"trusted: {entry.name} as {', '.join(sorted(entry.roles))} "
        f"for models {printable(', '.join(entry.models), 400)}\n"
        f"key file: {printable(source, 400)}\n"
        f"fingerprint: {key.fingerprint}\n"
        f"trust store: {printable(folder, 400)}"
    )


@_app.command("list", epilog="\b\nExample:\n  secureload trust list --format json")
def list_keys(
    output_format: Annotated[Format, typer.Option("--format", help="How to write them.")] = Format.TEXT,
    trust_store: StoreOption = None,
) -> None:
    """List the keys of the trust store."""
    from secureload.trust.store import load_trust_store

    folder = trust_folder(trust_store)
    store = load_trust_store(trust_store)
    now = datetime.now(UTC)
    if output_format is Format.JSON:
        emit_json(
            {"trust_store": printable(folder, 4_096), "keys": [_fields(key, now) for key in store.keys]}
        )
    else:
        emit(_table(store, folder, now))


@_app.command(epilog="\b\nExample:\n  secureload trust revoke alice --reason 'laptop stolen'")
def revoke(
    name: Annotated[str, typer.Argument(help="The key's name in the trust store.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is shown to whoever verifies.")],
    since: Annotated[str | None, typer.Option("--since", help="Such as 2026-06-01; by default now.")] = None,
    trust_store: StoreOption = None,
) -> None:
    """Revoke a key: nothing that it ever signed counts from then on, unless a trusted timestamper saw it before."""
    from secureload.signing.instants import encode_instant
    from secureload.trust.store import revoke_key

    now = datetime.now(UTC)
    moment = now if since is None else parse_moment(since, "--since", now)
    entry = revoke_key(trust_folder(trust_store), name, since=moment, reason=reason)
    emit(f"revoked: {entry.name} since {encode_instant(moment)} ({printable(entry.revoked_reason, 500)})")


def trust_folder(given: Path | None) -> Path:
    """Return the folder of the trust store that is meant."""
    from secureload.trust.folders import default_trust_folder

    return default_trust_folder() if given is None else given


def _name_from(path: Path) -> str:
    name = _NOT_IN_NAMES.sub("-", path.name.removesuffix(".pub")).strip("-.")
    if not name:
        raise UsageError("the key needs a name", hint="pass --name")
    return name


def _fields(key: TrustedKey, now: datetime) -> dict[str, Any]:
    from secureload.signing.instants import encode_instant

    def shown(moment: datetime | None) -> str | None:
        return None if moment is None else encode_instant(moment)

    return {
        "name": key.name,
        "fingerprint": key.public_key.fingerprint,
        "roles": sorted(key.roles),
        "models": list(key.models),
        "valid_from": shown(key.valid_from),
        "valid_until": shown(key.valid_until),
        "revoked_since": shown(key.revoked_since),
        "revoked_reason": key.revoked_reason,
        "state": _state(key, now),
    }


def _state(key: TrustedKey, now: datetime) -> str:
    if key.revoked_since is not None and now >= key.revoked_since:
        return "revoked"
    if key.valid_until is not None and now >= key.valid_until:
        return "expired"
    if key.valid_from is not None and now < key.valid_from:
        return "not yet valid"
    return "valid"


def _until(key: TrustedKey, now: datetime) -> str:
    """Return the last day of a key that is going to expire."""
    if key.valid_until is None or _state(key, now) != "valid":
        return ""
    return f" until {key.valid_until:%Y-%m-%d}"


def _table(store: TrustStore, folder: Path, now: datetime) -> str:
    rows = [("NAME", "STATE", "ROLES", "MODELS", "FINGERPRINT")]
    rows += [
        (
            printable(key.name, 40),
            _state(key, now) + _until(key, now),
            ",".join(sorted(key.roles)),
            printable(",".join(key.models), 40),
            key.public_key.fingerprint,
        )
        for key in store.keys
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([f"trust store: {printable(folder, 400)}", *lines])
