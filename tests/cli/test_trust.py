"""trust: add, list, revoke."""

from __future__ import annotations

import json

from .conftest import Shell


def test_a_key_that_was_just_made_is_found_by_its_name(shell: Shell) -> None:
    shell.make_key(trusted=False)
    out = shell("trust", "add", "alice.pub", "--role", "signer").succeeded().out
    assert f"key file: {shell.config / 'alice.pub'}" in out
    assert "alice as signer" in out


def test_the_file_of_the_working_folder_comes_first(shell: Shell) -> None:
    shell.make_key(trusted=False)
    other = shell.make_key("mallory", trusted=False)
    (shell.folder / "alice.pub").write_bytes((shell.config / "mallory.pub").read_bytes())
    out = shell("trust", "add", "alice.pub", "--role", "signer").succeeded().out
    assert other.public.fingerprint in out
    assert "key file: alice.pub" in out


def test_the_list_shows_roles_patterns_and_the_state(shell: Shell) -> None:
    key = shell.make_key(trusted=False)
    shell(
        "trust", "add", "alice.pub", "--role", "signer", "--role", "approver", "--model", "fraud-*",
        "--valid-from", "2026-01-01", "--valid-until", "2026-01-02", "--name", "Alice",
    ).succeeded()  # fmt: skip
    out = shell("trust", "list").succeeded().out
    for word in ("Alice", "expired", "approver,signer", "fraud-*", key.public.fingerprint):
        assert word in out
    fields = json.loads(shell("trust", "list", "--format", "json").succeeded().out)["keys"][0]
    assert (fields["state"], fields["valid_until"]) == ("expired", "2026-01-02T00:00:00Z")


def test_a_revoked_key_counts_no_more_and_says_why(shell: Shell) -> None:
    shell.make_key()
    path = shell.write("m.pkl", [1])
    shell("sign", path).succeeded()
    shell("verify", path).succeeded()
    shell("trust", "revoke", "alice", "--reason", "laptop stolen").succeeded()
    assert "laptop stolen" in shell("verify", path).failed(4).err
    assert "revoked" in shell("trust", "list").succeeded().out
    shell("trust", "revoke", "alice", "--reason", "again").failed(2)
    shell("trust", "revoke", "bob", "--reason", "who").failed(2)


def test_the_list_says_until_when_a_key_counts(shell: Shell) -> None:
    shell.make_key(trusted=False)
    shell("trust", "add", "alice.pub", "--role", "signer", "--valid-until", "2999-01-02").succeeded()
    assert "valid until 2999-01-02" in shell("trust", "list").succeeded().out


def test_a_revocation_in_an_imported_store_is_told_and_taken_over(shell: Shell) -> None:
    shell.make_key()
    there = shell.folder / "there"
    shell("trust", "add", "alice.pub", "--role", "signer", "--trust-store", there).succeeded()
    shell("trust", "revoke", "alice", "--reason", "stolen", "--trust-store", there).succeeded()
    assert "revoked: alice (stolen)" in shell("trust", "import", there).succeeded().out
    assert "revoked" in shell("trust", "list").succeeded().out


def test_what_cannot_be_trusted_is_refused(shell: Shell) -> None:
    shell.make_key(trusted=False)
    shell("trust", "add", "nobody.pub", "--role", "signer").failed(2)
    shell("trust", "add", "alice", "--role", "signer").failed(2)
    shell("trust", "add", "alice.pub", "--role", "king").failed(2)
    shell("trust", "add", "alice.pub", "--role", "signer", "--valid-until", "soon").failed(2)
    shell("trust", "add", "alice.pub", "--role", "signer").succeeded()
    shell("trust", "add", "alice.pub", "--role", "signer").failed(2)


def test_without_a_trust_store_the_list_says_so(shell: Shell) -> None:
    shell("trust", "list").failed(4)
    shell("trust", "list", "--trust-store", shell.folder).failed(2)
