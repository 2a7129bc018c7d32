"""key fingerprint."""

from __future__ import annotations

from .conftest import Shell


def test_the_fingerprint_of_a_public_key_is_shown(shell: Shell) -> None:
    key = shell.make_key()
    assert shell("key", "fingerprint", "alice.pub").succeeded().out == f"{key.public.fingerprint} alice\n"


def test_a_private_key_is_not_taken_for_a_public_one(shell: Shell) -> None:
    shell.make_key()
    assert "private key" in shell("key", "fingerprint", shell.config / "alice").failed(2).err
