from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from secureload.errors import UsageError
from secureload.signing.keys import SigningKey
from secureload.trust.keyfiles import (
    read_private_key,
    read_public_key,
    write_private_key,
    write_public_key,
)

KEY = SigningKey.generate("alice")


def test_a_key_pair_is_written_and_read_back_and_ssh_keygen_agrees(tmp_path: Path) -> None:
    path = tmp_path / "alice"
    write_private_key(path, KEY, None)
    write_public_key(tmp_path / "alice.pub", KEY.public)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = read_private_key(path)
    assert key.public == KEY.public == read_public_key(tmp_path / "alice.pub")
    assert key.public.comment == "alice"
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(path)], check=True, capture_output=True, text=True, timeout=30
    ).stdout
    assert KEY.public.fingerprint in shown


def test_a_key_is_never_overwritten_and_an_empty_passphrase_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "alice"
    with pytest.raises(UsageError, match="passphrase is empty"):
        write_private_key(path, KEY, b"")
    assert not path.exists()
    write_private_key(path, KEY, None)
    before = path.read_bytes()
    with pytest.raises(UsageError, match="exists already"):
        write_private_key(path, SigningKey.generate(), None)
    assert path.read_bytes() == before


def test_an_error_about_a_key_names_its_file(tmp_path: Path) -> None:
    path = tmp_path / "junk"
    path.write_bytes(b"junk")
    path.chmod(0o600)
    for read in (read_private_key, read_public_key):
        with pytest.raises(UsageError) as caught:
            read(path)
        assert caught.value.message.startswith(f"{path}: the p")
        assert caught.value.fields["path"] == str(path)


def test_public_and_private_keys_that_were_mixed_up_are_told_so(tmp_path: Path) -> None:
    write_private_key(tmp_path / "alice", KEY, None)
    write_public_key(tmp_path / "alice.pub", KEY.public)
    with pytest.raises(UsageError, match="this is a private key"):
        read_public_key(tmp_path / "alice")
    (tmp_path / "alice.pub").chmod(0o600)
    with pytest.raises(UsageError, match="this is a public key"):
        read_private_key(tmp_path / "alice.pub")


def test_a_private_key_behind_a_link_or_open_to_others_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "alice"
    write_private_key(path, KEY, None)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(UsageError, match="symbolic link"):
        read_private_key(tmp_path / "link")
    path.chmod(0o644)
    with pytest.raises(UsageError, match="open to other users"):
        read_private_key(path)
