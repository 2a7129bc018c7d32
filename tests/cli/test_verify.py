"""verify: who signed it, or each reason why nobody did, in its own words."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from .conftest import Shell


def test_who_when_and_what_is_told(shell: Shell, signed: Path) -> None:
    out = shell("verify", signed).succeeded().out
    assert "signed by alice (SHA256:" in out
    assert "expires: never" in out
    fields = json.loads(shell("verify", signed, "--format", "json").succeeded().out)
    assert fields["signatures"][0]["signer"] == "alice"
    assert fields["outcome"] == "verified"


def test_one_flipped_bit_is_refused_and_the_member_named(shell: Shell, signed: Path) -> None:
    data = bytearray(signed.read_bytes())
    data[-3] ^= 1
    signed.write_bytes(data)
    assert "plain.pkl" in shell("verify", signed).failed(4).err
    assert signed.read_bytes() == data


def test_an_unsigned_file_has_its_own_words(shell: Shell, plain: Path) -> None:
    shell.make_key()
    assert "there is no signature" in shell("verify", plain).failed(4).err


def test_an_untrusted_key_has_its_own_words(shell: Shell, plain: Path) -> None:
    shell.make_key()
    shell.make_key("mallory", trusted=False)
    shell("sign", plain, "--key", "mallory").succeeded()
    assert "the trust store does not list that key" in shell("verify", plain).failed(4).err


def test_without_a_trust_store_nobody_is_trusted(shell: Shell, signed: Path) -> None:
    shutil.rmtree(shell.config / "trust")
    assert "nobody is trusted yet" in shell("verify", signed).failed(4).err


@pytest.mark.parametrize(
    "data", [b"", b"{}\n", b'{"mediaType": 1, "x": [{}]}\n', b"\xff\xfe\x00", b"[1, 2, 3]"]
)
def test_a_sidecar_that_is_none_is_refused_and_unchanged(shell: Shell, plain: Path, data: bytes) -> None:
    shell.make_key()
    sidecar = shell.write("plain.pkl.sig", data)
    shell("verify", plain).failed(4)
    assert sidecar.read_bytes() == data


def test_a_sidecar_for_another_file_is_refused(shell: Shell, signed: Path) -> None:
    other = shell.write("other.pkl", {"b": 2})
    shutil.copy(f"{signed}.sig", f"{other}.sig")
    shell("verify", other).failed(4)


def test_a_renamed_file_needs_its_signed_name(shell: Shell, signed: Path) -> None:
    signed.rename(shell.folder / "renamed.pkl")
    Path(f"{signed}.sig").rename(shell.folder / "renamed.pkl.sig")
    shell("verify", "renamed.pkl").failed(4)
    shell("verify", "renamed.pkl", "--name", "plain.pkl").succeeded()


def test_what_is_no_file_has_its_own_words(shell: Shell, signed: Path) -> None:
    os.mkfifo(shell.folder / "fifo")
    (shell.folder / "link").symlink_to(signed)
    shell("verify", "missing").failed(2)
    for path in ("fifo", "link", "/dev/zero"):
        shell("verify", path).failed(3)
