"""sign: with the only key, with a named one, and with none."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from secureload.signing.keys import SigningKey
from secureload.trust.keyfiles import write_private_key, write_public_key

from .conftest import Shell


def test_the_only_key_signs_and_everything_is_told(shell: Shell, plain: Path) -> None:
    key = shell.make_key()
    out = shell("sign", plain, "--version", "1.4", "--expires", "90d").succeeded().out
    for word in (
        "signed:   plain.pkl",
        "version:  1.4",
        "expires:  20",
        key.public.fingerprint,
        "plain.pkl.sig",
    ):
        assert word in out
    assert "1.4" in shell("verify", plain).succeeded().out


def test_of_several_keys_one_must_be_named(shell: Shell, plain: Path) -> None:
    shell.make_key()
    shell.make_key("bob")
    assert "alice, bob" in shell("sign", plain).failed(2).err
    shell("sign", plain, "--key", "bob").succeeded()
    assert "kept:     1" in shell("sign", plain, "--key", "alice").succeeded().out
    assert "dropped:  1" in shell("sign", plain, "--key", shell.config / "alice").succeeded().out


def test_without_a_key_the_way_to_one_is_told(shell: Shell, plain: Path) -> None:
    assert "secureload keygen" in shell("sign", plain).failed(2).err


def test_an_encrypted_key_needs_its_passphrase(
    shell: Shell, plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = SigningKey.generate("alice")
    shell.config.mkdir(parents=True)
    write_private_key(shell.config / "alice", key, b"right")
    write_public_key(shell.config / "alice.pub", key.public)
    assert "no terminal" in shell.process("sign", plain).failed(2).err
    monkeypatch.setenv("SECURELOAD_PASSWORD", "wrong")
    assert "passphrase is wrong" in shell("sign", plain).failed(2).err
    assert not Path(f"{plain}.sig").exists()
    monkeypatch.setenv("SECURELOAD_PASSWORD", "right")
    shell("sign", plain).succeeded()


def test_what_cannot_be_signed_is_refused_before_anything_is_written(shell: Shell, plain: Path) -> None:
    shell.make_key()
    (shell.folder / "link").symlink_to(plain)
    os.mkfifo(shell.folder / "fifo")
    shell.write("empty.pkl", b"")
    shell("sign", "missing.pkl").failed(2)
    shell("sign", "link").failed(3)
    shell("sign", "fifo").failed(3)
    shell("sign", "empty.pkl").failed(3)
    shell("sign", plain, "--expires", "2020-01-01").failed(2)
    shell("sign", plain, "--expires", "soon").failed(2)
    shell("sign", plain, "--name", "a\nb").failed(2)
    assert list(shell.folder.glob("*.sig")) == []


def test_a_key_that_others_can_read_is_refused(shell: Shell, plain: Path) -> None:
    shell.make_key()
    (shell.config / "alice").chmod(0o644)
    assert "chmod 600" in shell("sign", plain).failed(2).err
    assert stat.S_IMODE((shell.config / "alice").stat().st_mode) == 0o644


def test_a_sidecar_that_is_none_is_not_overwritten(shell: Shell, plain: Path) -> None:
    shell.make_key()
    sidecar = shell.write("plain.pkl.sig", b"my notes")
    shell("sign", plain).failed(4)
    assert sidecar.read_bytes() == b"my notes"


def test_a_folder_is_signed_as_one(shell: Shell) -> None:
    shell.make_key()
    shell.write("folder/a.pkl", [1])
    shell.write("folder/b/c.pkl", [2])
    assert "members:  2" in shell("sign", "folder").succeeded().out
    assert "members: 2" in shell("verify", "folder").succeeded().out


def test_a_key_in_an_agent_and_one_in_a_token_are_not_both(shell: Shell, plain: Path) -> None:
    asked = ("sign", plain, "--agent", "--pkcs11", "pkcs11:object=alice")
    assert "Give one" in shell(*asked).failed(2).err or "give one" in shell(*asked).failed(2).err


def test_without_an_agent_signing_with_it_says_how_to_start_one(
    shell: Shell, plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    assert "ssh-agent" in shell("sign", plain, "--agent").failed(2).err
    assert not Path(f"{plain}.sig").exists()


def test_what_is_left_out_of_a_folder_is_told_and_a_path_that_is_not_there_too(shell: Shell) -> None:
    shell.make_key()
    shell.write("model/part", b"x")
    shell.write("model/.git/index", b"y")
    done = shell("sign", "model", "--ignore", ".git", "--ignore", "gti")
    assert (done.code, "ignored:  .git\n" in done.out) == (0, True)
    assert "--ignore gti: there is no such path in it" in done.err
    shown = shell("verify", "model").succeeded().out
    assert "left out by the signer, covered by nothing: .git" in shown
    assert "nothing is said of the others" in shell("verify", "model", "--only", "part").succeeded().out
    shell("verify", "model", "--only", "gone").failed(4)


def test_a_folder_is_signed_again_without_reading_what_has_not_changed(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    shell.make_key()
    shell.write("model/part", b"x")
    later = time.time_ns() + 60 * 10**9
    monkeypatch.setattr("secureload.artifact.digest_cache.time.time_ns", lambda: later)
    assert "reused" not in shell("sign", "model", "--incremental").succeeded().out
    assert "reused:   1 digest of unchanged files" in shell("sign", "model", "--incremental").succeeded().out
    shell("verify", "model").succeeded()
