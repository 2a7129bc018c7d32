"""The signer that the options of a signing command mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from secureload.cli.output import note
from secureload.cli.passphrase import ask_passphrase, given_passphrase
from secureload.errors import UsageError
from secureload.printable import printable
from secureload.trust.own_files import find_own_file, only_private_key

if TYPE_CHECKING:
    from secureload.signing.keys import Signer, SigningKey

__all__ = ["choose_signer", "read_key", "unlocked"]

_T = TypeVar("_T")


def choose_signer(
    key: Path | None, passphrase_fd: int | None, *, agent: bool = False, pkcs11: str | None = None
) -> Signer:
    """Return the signer that the options mean, and say what about its key is weak."""
    if pkcs11 is not None:
        if agent or key is not None:
            raise UsageError(
                "--pkcs11 says which key signs; --key and --agent do too", hint="Give one of them."
            )
        return _token_signer(pkcs11, passphrase_fd)
    if agent:
        return _agent_signer(key)
    signer = read_key(only_private_key() if key is None else find_own_file(key), passphrase_fd)
    for warning in signer.warnings:
        note(f"warning: {printable(warning, 400)}")
    return signer


def _agent_signer(key: Path | None) -> Signer:
    from secureload.trust.agent import agent_signer
    from secureload.trust.keyfiles import read_public_key

    wanted = None if key is None else str(key)
    if key is not None and key.suffix == ".pub":
        wanted = read_public_key(find_own_file(key)).fingerprint
    return agent_signer(wanted)


def _token_signer(uri: str, descriptor: int | None) -> Signer:
    """Open the token; its PIN is looked for, or asked for, only where it wants one."""
    from secureload.trust.pkcs11 import pkcs11_signer

    return unlocked(lambda pin: pkcs11_signer(uri, pin), "pin-missing", "PIN of the token", descriptor)


def read_key(path: Path, descriptor: int | None) -> SigningKey:
    """Read the key; a passphrase is looked for, or asked for, only where the key is encrypted."""
    from secureload.trust.keyfiles import read_private_key

    prompt = f"Passphrase of {printable(path, 160)}"
    return unlocked(lambda word: read_private_key(path, word), "passphrase-missing", prompt, descriptor)


def unlocked(open_key: Callable[[bytes | None], _T], missing: str, prompt: str, descriptor: int | None) -> _T:
    """Return what ``open_key`` makes of the passphrase, which is asked for only where it raises ``missing``."""
    try:
        return open_key(None)
    except UsageError as error:
        if error.fields.get("reason") != missing:
            raise
    passphrase = given_passphrase(descriptor)
    return open_key(ask_passphrase(prompt) if passphrase is None else passphrase)
