"""``secureload key``: look at keys, change a passphrase, export a public key, hand over to a new one."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secureload.cli.keygen import KeyFormat
from secureload.cli.moments import parse_moment
from secureload.cli.output import emit, note
from secureload.cli.passphrase import ask_passphrase, given_passphrase
from secureload.cli.signers import read_key
from secureload.cli.signing_key import PassphraseOption
from secureload.errors import UsageError
from secureload.printable import printable
from secureload.trust.own_files import find_own_file

if TYPE_CHECKING:
    from secureload.signing.keys import PublicKey

__all__ = ["add_to", "export", "fingerprint", "passwd", "rotate", "show"]

_app = typer.Typer(help="Look at keys, and change them.", rich_markup_mode=None)
KeyArgument = Annotated[Path, typer.Argument(metavar="KEYFILE", help="A private key.", readable=False)]


class PublicFormat(StrEnum):
    """How a public key is written."""

    OPENSSH = "openssh"
    PEM = "pem"
    HEX = "hex"
    ALLOWED_SIGNERS = "allowed-signers"


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_app, name="key")


@_app.callback()
def _key() -> None:
    """Look at keys, and change them."""


@_app.command(
    epilog="\b\nExamples:\n  secureload key fingerprint alice.pub\n  secureload key fingerprint alice"
)
def fingerprint(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A private or public key.", readable=False)],
    passphrase_fd: PassphraseOption = None,
) -> None:
    """Show the fingerprint of a key, as ssh-keygen -l does."""
    key = _public_half(find_own_file(file), passphrase_fd)
    emit(f"{key.fingerprint} {key.comment}".rstrip())


@_app.command(epilog="\b\nExamples:\n  secureload key show alice\n  secureload key show alice.pub")
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A private or public key.", readable=False)],
    passphrase_fd: PassphraseOption = None,
) -> None:
    """Show what a key file holds and how well it is protected; of a private key never the secret."""
    from secureload.limits import DEFAULT_LIMITS
    from secureload.signing.private_format import describe_private_key
    from secureload.trust.files import read_file
    from secureload.trust.keyfiles import read_public_key

    path = find_own_file(file)
    data = read_file(path, DEFAULT_LIMITS.key_file_bytes)
    rows = [("file", printable(path, 400))]
    if b"PRIVATE KEY" not in data:
        key = read_public_key(path)
        rows.append(("kind", "a public key"))
    else:
        described = describe_private_key(data, DEFAULT_LIMITS)
        read_file(path, DEFAULT_LIMITS.key_file_bytes, is_secret=True)  # refuses one that others may read
        key = read_key(path, passphrase_fd).public
        protected = "encrypted" if described.is_encrypted else "not encrypted"
        container = "OpenSSH's format" if described.container == "openssh" else "PKCS#8"
        rows.append(("kind", f"a private key in {container}, {protected}"))
        rows += [("warning", printable(warning, 400)) for warning in described.warnings]
    rows += [("type", "Ed25519"), ("fingerprint", key.fingerprint), ("comment", printable(key.comment, 400))]
    emit("\n".join(f"{label + ':':12} {value}" for label, value in rows if value))


@_app.command(epilog="\b\nExample:\n  secureload key passwd alice")
def passwd(
    file: KeyArgument,
    passphrase_fd: PassphraseOption = None,
    new_passphrase_fd: Annotated[
        int | None, typer.Option("--new-passphrase-fd", help="Read the new one from this descriptor.", min=0)
    ] = None,
    no_passphrase: Annotated[
        bool, typer.Option("--no-passphrase", help="Write the private key unencrypted.")
    ] = False,
    key_format: Annotated[
        KeyFormat | None, typer.Option("--format", help="How it is written; by default as it is.")
    ] = None,
) -> None:
    """Change the passphrase of a private key. The new one is typed, or comes from a descriptor."""
    from secureload.limits import DEFAULT_LIMITS
    from secureload.signing.private_format import describe_private_key
    from secureload.trust.files import read_file
    from secureload.trust.keyfiles import replace_private_key

    if no_passphrase and new_passphrase_fd is not None:
        raise UsageError(
            "--no-passphrase and --new-passphrase-fd exclude each other", hint="give one of them"
        )
    path = find_own_file(file)
    described = describe_private_key(read_file(path, DEFAULT_LIMITS.key_file_bytes), DEFAULT_LIMITS)
    key = read_key(path, passphrase_fd)
    passphrase = None
    if new_passphrase_fd is not None:
        passphrase = given_passphrase(new_passphrase_fd)
    elif not no_passphrase:
        passphrase = ask_passphrase(
            f"New passphrase of {printable(path, 160)}",
            twice=True,
            hint="pass --new-passphrase-fd N (for example: 3 3<FILE), or --no-passphrase",
        )
    replace_private_key(
        path, key, passphrase, container=described.container if key_format is None else key_format.value
    )
    if no_passphrase:
        note("warning: the private key is not encrypted; whoever reads the file can sign as you")
    emit(f"changed: {printable(path, 400)}\nfingerprint: {key.public.fingerprint}")


@_app.command(
    epilog="\b\nExamples:\n  secureload key export alice.pub --format pem\n  secureload key export alice"
)
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A private or public key.", readable=False)],
    public_format: Annotated[
        PublicFormat, typer.Option("--format", help="How to write it.")
    ] = PublicFormat.OPENSSH,
    passphrase_fd: PassphraseOption = None,
) -> None:
    """Write the public key to standard output. A private key is never exported: copy its file."""
    from secureload.signing.keys import encode_public_key, encode_public_pem

    path = find_own_file(file)
    key = _public_half(path, passphrase_fd)
    line = encode_public_key(key).decode("utf-8")
    if public_format is PublicFormat.OPENSSH:
        emit(line)
    elif public_format is PublicFormat.PEM:
        emit(encode_public_pem(key).decode("ascii"))
    elif public_format is PublicFormat.HEX:
        emit(key.raw.hex())
    else:
        emit(f"{path.name.removesuffix('.pub')} {line}")


def _public_half(path: Path, passphrase_fd: int | None) -> PublicKey:
    """Return the public key in the file, or that of the private key in it."""
    from secureload.limits import DEFAULT_LIMITS
    from secureload.trust.files import read_file
    from secureload.trust.keyfiles import read_public_key

    is_private = b"PRIVATE KEY" in read_file(path, DEFAULT_LIMITS.key_file_bytes)
    return read_key(path, passphrase_fd).public if is_private else read_public_key(path)


@_app.command(epilog="\b\nExample:\n  secureload key rotate alice alice-2 --retire 30d")
def rotate(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The private key until now.", readable=False)],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The private key from now on.", readable=False)],
    retire: Annotated[
        str, typer.Option("--retire", help="When the old key stops counting: 30d, or a day.")
    ] = "30d",
    output: Annotated[
        Path | None, typer.Option("--output", help="Where to; by default OLD.rotation here.", readable=False)
    ] = None,
    passphrase_fd: PassphraseOption = None,
    new_passphrase_fd: Annotated[
        int | None, typer.Option("--new-passphrase-fd", help="The same for the new key.", min=0)
    ] = None,
) -> None:
    """State with both keys that the new one takes over; those who trust the old one run 'trust rotate'."""
    from secureload.signing.instants import encode_instant
    from secureload.signing.rotation import sign_rotation
    from secureload.signing.sidecar import encode_sidecar
    from secureload.trust.files import create_file

    now = datetime.now(UTC).replace(microsecond=0)
    retired = parse_moment(retire, "--retire", now)
    first, second = find_own_file(old), find_own_file(new)
    envelopes = sign_rotation(
        read_key(first, passphrase_fd), read_key(second, new_passphrase_fd), created=now, retired=retired
    )
    target = Path(f"{first.name}.rotation") if output is None else output
    create_file(target, encode_sidecar(envelopes), 0o644)
    emit(
        f"written: {printable(target, 400)}\n"
        f"retires: {printable(first.name, 400)} on {encode_instant(retired)}\n"
        f"next: whoever trusts the old key runs 'secureload trust rotate {printable(target.name, 200)}'"
    )
