"""Key files: ``NAME`` holds a private key (mode 0600), ``NAME.pub`` its public one."""

from __future__ import annotations

from pathlib import Path

from secureload.errors import UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.keys import PublicKey, SigningKey, encode_public_key, parse_public_key
from secureload.trust.files import create_file, read_file

__all__ = ["read_private_key", "read_public_key", "write_private_key", "write_public_key"]


def write_private_key(path: Path, key: SigningKey, password: bytes | None) -> None:
    """Write a new OpenSSH private key file of mode 0600; ``None`` as password leaves it unencrypted.

    Raises :class:`UsageError` where the file exists, cannot be written, or the passphrase is empty.
    """
    create_file(path, key.encode(password), 0o600)


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
