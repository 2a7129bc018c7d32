"""Key files: ``NAME`` holds a private key (mode 0600), ``NAME.pub`` its public one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from secureload.errors import UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.keys import PublicKey, SigningKey, encode_public_key, parse_public_key
from secureload.trust.files import create_file, read_file, replace_file

__all__ = [
    "MOST_PASSPHRASE_BYTES",
    "PASSWORD_VARIABLE",
    "Container",
    "check_passphrase",
    "encode_private_key",
    "environment_passphrase",
    "read_private_key",
    "read_public_key",
    "replace_private_key",
    "write_private_key",
    "write_public_key",
]


Container: TypeAlias = Literal["openssh", "pkcs8"]
PASSWORD_VARIABLE = "SECURELOAD_PASSWORD"  # noqa: S105  # the variable's name, not a password
MOST_PASSPHRASE_BYTES = 4_096


def environment_passphrase(environment: Mapping[str, str] = os.environ) -> bytes | None:
    """Return the passphrase that the environment gives, None where the variable is not set; empty is refused."""
    if PASSWORD_VARIABLE not in environment:
        return None
    return check_passphrase(os.fsencode(environment[PASSWORD_VARIABLE]), PASSWORD_VARIABLE)


def check_passphrase(passphrase: bytes, source: str) -> bytes:
    """Return ``passphrase``; :class:`UsageError`, which names its source, for an empty or over-long one."""
    if not passphrase:
        raise UsageError(f"empty passphrase from {source}", hint="give one of at least one character")
    if len(passphrase) > MOST_PASSPHRASE_BYTES:
        raise UsageError(f"the passphrase from {source} is longer than {MOST_PASSPHRASE_BYTES:,} bytes")
    return passphrase


def write_private_key(
    path: Path, key: SigningKey, password: bytes | None, *, container: Container = "openssh"
) -> None:
    """Write a new private key file of mode 0600; ``None`` as password leaves it unencrypted.

    Raises :class:`UsageError` where the file exists, cannot be written, or the passphrase is empty.
    """
    create_file(path, encode_private_key(key, password, container), 0o600)


def replace_private_key(
    path: Path, key: SigningKey, password: bytes | None, *, container: Container = "openssh"
) -> None:
    """Write the private key file again, under another passphrase, in one step."""
    replace_file(path, encode_private_key(key, password, container), 0o600)


def encode_private_key(key: SigningKey, password: bytes | None, container: Container) -> bytes:
    """Encode a private key file in the container that is asked for."""
    return key.encode(password) if container == "openssh" else key.encode_pkcs8(password)


def write_public_key(path: Path, key: PublicKey) -> None:
    """Write a new ``.pub`` file of mode 0644. Raises :class:`UsageError` where it exists."""
    create_file(path, encode_public_key(key), 0o644)


def read_private_key(
    path: Path, password: bytes | None = None, limits: Limits = DEFAULT_LIMITS
) -> SigningKey:
    """Read a private key file, OpenSSH or PKCS#8.

    Raises :class:`UsageError` where it is a symbolic link, no regular file, of another owner, open to others
    (wider than 0600), no Ed25519 key, or the passphrase is missing or wrong.
    """
    data = read_file(path, limits.key_file_bytes, is_secret=True)
    try:
        return SigningKey.load(
            data, password, comment=path.name if path.name.isprintable() else "", limits=limits
        )
    except UsageError as error:
        raise _named(path, error) from None


def read_public_key(path: Path, limits: Limits = DEFAULT_LIMITS) -> PublicKey:
    """Read a ``.pub`` file. Raises :class:`UsageError` for anything else, and for weak keys."""
    data = read_file(path, limits.key_file_bytes)
    try:
        return parse_public_key(data, limits)
    except UsageError as error:
        raise _named(path, error) from None


def _named(path: Path, error: UsageError) -> UsageError:
    """The same error, with the file that it is about."""
    return UsageError(
        f"{printable(path, 160)}: {error.message}", hint=error.hint, **{**error.fields, "path": str(path)}
    )
