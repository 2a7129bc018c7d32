"""Which key file is meant: the path itself, then the user's own of that plain name."""

from __future__ import annotations

from pathlib import Path

import pytest

from secureload.cli.own_files import find_own_file, only_private_key
from secureload.errors import UsageError

from .conftest import Shell


def test_a_path_with_a_folder_is_never_looked_for_elsewhere(shell: Shell) -> None:
    shell.make_key()
    assert find_own_file(Path("alice.pub")) == shell.config / "alice.pub"
    assert find_own_file(Path("sub/alice.pub")) == Path("sub/alice.pub")
    assert find_own_file(Path("nobody.pub")) == Path("nobody.pub")


def test_the_only_key_is_the_one_that_has_both_halves(shell: Shell) -> None:
    with pytest.raises(UsageError, match="no private key"):
        only_private_key()
    shell.make_key()
    (shell.config / "friend.pub").write_text("ssh-ed25519 AAAA\n")
    assert only_private_key() == shell.config / "alice"
    shell.make_key("bob")
    with pytest.raises(UsageError, match="several private keys"):
        only_private_key()
