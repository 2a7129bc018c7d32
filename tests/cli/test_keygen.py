"""keygen: two files, the private one closed to others, and no passphrase by accident."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from secureload.cli import passphrase
from secureload.errors import UsageError
from secureload.trust.keyfiles import read_private_key, read_public_key

from .conftest import Shell


def test_a_key_pair_is_made_encrypted_and_closed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECURELOAD_PASSWORD", "correct horse")
    out = shell("keygen", "--name", "alice").succeeded().out
    private, public = shell.config / "alice", shell.config / "alice.pub"
    assert private.stat().st_mode & 0o777 == 0o600
    assert read_public_key(public).fingerprint in out
    assert "secureload trust add alice.pub" in out
    with pytest.raises(UsageError):
        read_private_key(private)
    assert read_private_key(private, b"correct horse").public == read_public_key(public)


def test_no_passphrase_is_explicit_and_warns(shell: Shell) -> None:
    answer = shell("keygen", "--name", "ci", "--no-passphrase", "--output-dir", "keys")
    assert answer.code == 0
    assert answer.err.startswith("warning: the private key is not encrypted")
    assert read_private_key(shell.folder / "keys" / "ci").public.comment == "ci"


def test_an_existing_key_is_never_overwritten(shell: Shell) -> None:
    shell.make_key("alice")
    before = (shell.config / "alice").read_bytes()
    shell("keygen", "--name", "alice", "--no-passphrase").failed(2)
    assert (shell.config / "alice").read_bytes() == before


def test_an_empty_variable_is_an_empty_passphrase(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECURELOAD_PASSWORD", "")
    assert "empty passphrase" in shell("keygen", "--name", "alice").failed(2).err
    assert not shell.config.exists()


def test_without_a_terminal_nobody_is_asked(shell: Shell) -> None:
    assert "no terminal" in shell.process("keygen", "--name", "alice").failed(2).err


@pytest.mark.parametrize("name", ["", "../alice", "a/b", ".hidden", "x.pub", "a b", "-n", "é"])
def test_a_name_that_is_no_plain_file_name_is_refused(shell: Shell, name: str) -> None:
    shell("keygen", f"--name={name}", "--no-passphrase").failed(2)


def test_the_passphrase_is_asked_twice_and_must_agree(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["one", "two"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(passphrase.getpass, "getpass", lambda _prompt: next(answers))
    assert "differ" in shell("keygen", "--name", "alice").failed(2).err
    assert not (shell.config / "alice").exists()


def test_a_descriptor_gives_the_passphrase(shell: Shell, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"from a pipe\n")
    os.close(writing)
    shell("keygen", "--name", "alice", "--passphrase-fd", reading).succeeded()
    os.close(reading)
    read_private_key(shell.config / "alice", b"from a pipe")
    shell("keygen", "--name", "bob", "--passphrase-fd", 3, "--no-passphrase").failed(2)
