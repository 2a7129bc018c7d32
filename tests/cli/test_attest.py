"""``secureload attest``."""

from __future__ import annotations

from pathlib import Path

import pytest

from secureload.trust.store import add_trusted_key

from .conftest import ForbiddenCall, Shell


@pytest.fixture
def bob(shell: Shell) -> Path:
    """The key file of an approver and scanner."""
    key = shell.make_key("bob", trusted=False)
    add_trusted_key(shell.config / "trust", key.public, name="bob", roles=["approver", "scanner"])
    return shell.config / "bob"


def test_an_approval_is_stated_sent_and_merged(shell: Shell, signed: Path, bob: Path) -> None:
    done = shell(
        "attest", signed, "--predicate", "approval", "--comment", "ok", "--key", bob, "--output", "b.sig"
    )
    assert "stated:   approval\nabout:    plain.pkl" in done.succeeded().out
    assert "merged: 1 statement into" in shell("attest", signed, "--merge", "b.sig").succeeded().out
    assert "1 was there already" in shell("attest", signed, "--merge", "b.sig").succeeded().out
    assert "approval by bob" in shell("verify", signed).succeeded().out


def test_every_predicate_can_be_stated(shell: Shell, signed: Path, bob: Path) -> None:
    shell.write("meta.toml", b"[metrics]\nf1 = 0.5\n")
    alice = shell.config / "alice"
    shell("attest", signed, "--predicate", "metadata", "--metadata", "meta.toml", "--key", alice).succeeded()
    shell("attest", signed, "--predicate", "lineage", "--source", signed, "--key", alice).succeeded()
    shell("attest", signed, "--predicate", "scan", "--key", bob).succeeded()
    shell("attest", signed, "--predicate", "timestamp", "--key", bob).succeeded()
    shown = shell("verify", signed).succeeded().out
    assert all(f"{kind} by" in shown for kind in ("metadata", "lineage", "scan"))
    assert "timestamp: the key of bob is trusted as approver, scanner, not as timestamper" in shown


def test_nothing_is_stated_of_a_file_that_is_dangerous(shell: Shell, evil: Path, bob: Path) -> None:
    shell("attest", evil, "--predicate", "scan", "--key", bob).failed(3)
    assert not Path(f"{evil}.sig").exists()


def test_a_folder_is_scanned_too_and_the_member_that_is_not_accepted_is_named(
    shell: Shell, bob: Path
) -> None:
    shell.make_key()
    shell.write("model/a.pkl", {"a": 1})
    shell.write("model/README.md", b"# hello\n")
    shell("sign", "model", "--key", shell.config / "alice").succeeded()
    assert "stated:   scan" in shell("attest", "model", "--predicate", "scan", "--key", bob).succeeded().out
    assert "scan by bob" in shell("verify", "model").succeeded().out
    shell.write("model/b.pkl", ForbiddenCall())
    shell("sign", "model", "--key", shell.config / "alice").succeeded()
    assert "b.pkl" in shell("attest", "model", "--predicate", "scan", "--key", bob).failed(3).err


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--predicate", "rumour"],
        ["--predicate", "approval", "--merge", "b.sig"],
        ["--predicate", "approval", "--metadata", "meta.toml"],
        ["--predicate", "metadata"],
        ["--predicate", "lineage"],
        ["--merge", "nothing.sig"],
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(shell: Shell, signed: Path, words: list[str]) -> None:
    shell("attest", signed, *words).failed(2)
