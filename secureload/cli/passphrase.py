"""The passphrase of a key: from a descriptor, from the environment, or typed; never an argument."""

from __future__ import annotations

import getpass
import os
import sys

from secureload.errors import UsageError
from secureload.trust.keyfiles import (
    MOST_PASSPHRASE_BYTES,
    PASSWORD_VARIABLE,
    check_passphrase,
    environment_passphrase,
)

__all__ = ["PASSWORD_VARIABLE", "ask_passphrase", "given_passphrase"]

_MOST_BYTES = MOST_PASSPHRASE_BYTES


def given_passphrase(descriptor: int | None) -> bytes | None:
    """Return the passphrase from ``descriptor`` or the environment, None where neither is given.

    An empty one is not the same as none. Raises :class:`UsageError` for an empty or over-long one, and for a
    descriptor that cannot be read.
    """
    if descriptor is not None:
        return check_passphrase(_read(descriptor), f"file descriptor {descriptor}")
    return environment_passphrase()


def ask_passphrase(prompt: str, *, twice: bool = False, hint: str = "") -> bytes:
    """Ask for a passphrase on the terminal. Raises :class:`UsageError` without one, and for an empty answer.

    ``hint`` says how else it could have come, by default the variable and the descriptor of :func:`given_passphrase`.
    """
    if not sys.stdin.isatty():
        raise UsageError(
            f"there is no terminal to ask for it: {prompt[:1].lower()}{prompt[1:]}",
            hint=hint or f"set {PASSWORD_VARIABLE}, or pass --passphrase-fd N",
        )
    try:
        typed = getpass.getpass(f"{prompt}: ")
        again = getpass.getpass(f"{prompt} (again): ") if twice and typed else typed
    except EOFError:
        raise UsageError("no passphrase was typed", hint="try again") from None
    if typed != again:
        raise UsageError("the two passphrases differ", hint="try again")
    return check_passphrase(os.fsencode(typed), "the terminal")


def _read(descriptor: int) -> bytes:
    data = b""
    try:
        while len(data) <= _MOST_BYTES and (piece := os.read(descriptor, _MOST_BYTES + 1)):
            data += piece
    except (OSError, OverflowError, ValueError):
        raise UsageError(
            f"the file descriptor {descriptor} cannot be read", hint="for example: --passphrase-fd 3 3<FILE"
        ) from None
    return data.removesuffix(b"\n").removesuffix(b"\r")
