"""Which key file is meant: the path itself, then the user's own of that plain name."""

from __future__ import annotations

from pathlib import Path

import pytest

from secureload.errors import UsageError
from secureload.signing.keys import SigningKey
from secureload.trust.keyfiles import write_private_key, write_public_key
from secureload.trust.own_files import find_own_file, only_private_key


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "secureload"
    folder.mkdir(mode=0o700)
    return folder


def make_key(folder: Path, name: str) -> None:
    key = SigningKey.generate(name)
    write_private_key(folder / name, key, None)
    write_public_key(folder / f"{name}.pub", key.public)


def test_a_path_with_a_folder_is_never_looked_for_elsewhere(config: Path) -> None:
    make_key(config, "alice")
    assert find_own_file(Path("alice.pub")) == config / "alice.pub"
    assert find_own_file(Path("sub/alice.pub")) == Path("sub/alice.pub")
    assert find_own_file(Path("nobody.pub")) == Path("nobody.pub")


def test_the_only_key_is_the_one_that_has_both_halves(config: Path) -> None:
    with pytest.raises(UsageError, match="no private key"):
        only_private_key()
    make_key(config, "alice")
    (config / "friend.pub").write_text("ssh-ed25519 AAAA\n")
    assert only_private_key() == config / "alice"
    make_key(config, "bob")
    with pytest.raises(UsageError, match="several private keys"):
        only_private_key()
