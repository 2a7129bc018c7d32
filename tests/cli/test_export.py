"""export and verify --oms-key: a signature for users of OpenSSF's model signer, and one that they made."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from .conftest import Shell


@pytest.fixture
def oms_key(tmp_path: Path) -> Path:
    """A key as OpenSSL makes it, with its public half beside it."""
    key = tmp_path / "oms.pem"
    key.touch(mode=0o600)
    command = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key)]
    subprocess.run(command, check=True, timeout=30)
    public = ["openssl", "pkey", "-in", str(key), "-pubout", "-out", str(tmp_path / "oms.pub")]
    subprocess.run(public, check=True, timeout=30)
    return key


def signed(shell: Shell, path: Path) -> None:
    shell.make_key()
    shell("sign", path).succeeded()


def test_what_was_signed_is_exported_and_the_export_verifies(
    shell: Shell, plain: Path, oms_key: Path
) -> None:
    signed(shell, plain)
    done = shell("export", plain, "--oms", "--key", oms_key).succeeded()
    assert f"written:  {plain}.oms.sig" in done.out
    asked = ("verify", plain, "--oms-key", oms_key.with_suffix(".pub"), "--signature", f"{plain}.oms.sig")
    assert "P-256" in shell(*asked).succeeded().out
    said = json.loads(shell(*asked, "--format", "json").succeeded().out)
    assert (said["outcome"], said["name"], said["ignored"]) == ("verified", plain.name, [])
    plain.write_bytes(b"other bytes")
    assert "other bytes were signed" in shell(*asked).failed(4).err


def test_what_nobody_trusted_signed_is_not_exported(shell: Shell, plain: Path, oms_key: Path) -> None:
    shell("export", plain, "--oms", "--key", oms_key).failed(4)
    assert not Path(f"{plain}.oms.sig").exists()


def test_an_export_is_not_overwritten_unasked(shell: Shell, plain: Path, oms_key: Path) -> None:
    signed(shell, plain)
    shell("export", plain, "--oms", "--key", oms_key).succeeded()
    assert "exists already" in shell("export", plain, "--oms", "--key", oms_key).failed(2).err
    done = shell("export", plain, "--oms", "--key", oms_key, "--force", "--format", "json").succeeded()
    assert json.loads(done.out)["outcome"] == "exported"


def test_a_key_that_others_may_read_is_refused(shell: Shell, plain: Path, oms_key: Path) -> None:
    signed(shell, plain)
    oms_key.chmod(0o644)
    assert "open to other users" in shell("export", plain, "--oms", "--key", oms_key).failed(2).err


def test_the_key_that_signs_models_is_not_taken_for_one_of_openssfs_signer(shell: Shell, plain: Path) -> None:
    signed(shell, plain)
    asked = ("export", plain, "--oms", "--key", shell.config / "alice")
    assert "needs ECDSA" in shell(*asked).failed(2).err


def test_for_whom_must_be_said(shell: Shell, plain: Path, oms_key: Path) -> None:
    assert "--oms" in shell("export", plain, "--key", oms_key).failed(2).err


def test_options_of_two_kinds_of_signatures_do_not_mix(shell: Shell, plain: Path, oms_key: Path) -> None:
    shell("verify", plain, "--oms-key", oms_key, "--policy", "strict").failed(2)
    shell("verify", plain, "--signature", "x.sig").failed(2)
