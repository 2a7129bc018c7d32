"""key: look at keys, change passphrases, export, hand over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from .conftest import Shell


@pytest.mark.parametrize("file", ["alice.pub", "alice"])
def test_the_fingerprint_of_a_key_is_shown_by_either_half(shell: Shell, file: str) -> None:
    key = shell.make_key()
    assert shell("key", "fingerprint", file).succeeded().out == f"{key.public.fingerprint} alice\n"


def test_a_private_key_is_not_taken_for_a_public_one(shell: Shell) -> None:
    shell.make_key(trusted=False)
    asked = ("trust", "add", shell.config / "alice", "--role", "signer")
    assert "private key" in shell(*asked).failed(2).err


def test_without_a_terminal_the_new_passphrase_comes_from_a_descriptor_and_the_hint_says_so(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECURELOAD_PASSWORD", "first")
    shell("keygen", "--name", "alice").succeeded()
    complaint = shell("key", "passwd", "alice").failed(2).err
    assert "new passphrase" in complaint
    assert "--new-passphrase-fd" in complaint


def test_a_private_key_is_shown_without_its_secret_and_its_passphrase_changed(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECURELOAD_PASSWORD", "first")
    shell("keygen", "--name", "alice", "--format", "pkcs8").succeeded()
    shown = shell("key", "show", "alice").succeeded().out
    assert "a private key in PKCS#8, encrypted" in shown
    assert "PRIVATE" not in shown
    read, write = os.pipe()
    os.write(write, b"second\n")
    os.close(write)
    shell("key", "passwd", "alice", "--new-passphrase-fd", read, "--format", "openssh").succeeded()
    os.close(read)
    shell("key", "show", "alice").failed(2)
    monkeypatch.setenv("SECURELOAD_PASSWORD", "second")
    assert "OpenSSH's format, encrypted" in shell("key", "show", "alice").succeeded().out
    assert (shell.config / "alice").stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("SECURELOAD_PASSWORD", "")
    assert "empty passphrase" in shell("key", "show", "alice").failed(2).err


def test_a_public_key_is_exported_in_the_forms_that_others_read(shell: Shell) -> None:
    key = shell.make_key()
    pem = shell("key", "export", "alice.pub", "--format", "pem").succeeded().out
    assert load_pem_public_key(pem.encode()).public_bytes_raw() == key.public.raw  # type: ignore[union-attr]
    assert (
        shell("key", "export", "alice").succeeded().out.split()[:2]
        == ((shell.config / "alice.pub").read_text().split()[:2])
    )
    assert shell("key", "export", "alice.pub", "--format", "hex").out.strip() == key.public.raw.hex()
    signer = shell("key", "export", "alice.pub", "--format", "allowed-signers").succeeded().out
    assert signer.startswith("alice ssh-ed25519 ")


def test_a_key_hands_over_and_what_the_new_one_signs_counts(shell: Shell, signed: Path) -> None:
    shell.make_key("alice-new", trusted=False)
    shell("key", "rotate", "alice", "alice-new").succeeded()
    done = shell("trust", "rotate", "alice.rotation").succeeded()
    assert "trusted: alice-2 as signer" in done.out
    assert "retired: alice, which counts until" in done.out
    shell("sign", signed, "--key", shell.config / "alice-new").succeeded()
    assert "signed by alice-2" in shell("verify", signed).succeeded().out
    shell("trust", "rotate", "alice.rotation").failed(2)
    shell("key", "rotate", "alice", "alice").failed(2)
