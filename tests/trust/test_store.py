from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from secureload.errors import ExitCode, SecureloadError, UntrustedError, UsageError
from secureload.signing.keys import PublicKey, SigningKey, encode_public_key
from secureload.signing.truststore import TrustStore
from secureload.trust.store import add_trusted_key, load_trust_store, revoke_key

ALICE, BOB = SigningKey.generate("alice").public, SigningKey.generate("bob").public
NOW = datetime(2026, 6, 1, 12, 0, 0, 123_456, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "config" / "trust"


def add(folder: Path, key: PublicKey, name: str) -> None:
    add_trusted_key(folder, key, name=name, roles=["signer"])


def test_added_keys_are_trusted_as_they_were_added(folder: Path) -> None:
    entry = add_trusted_key(
        folder,
        ALICE,
        name="alice",
        roles=["signer", "approver"],
        models=["fraud-*"],
        valid_from=NOW,
        valid_until=NOW + timedelta(days=1),
    )
    add(folder, BOB, "bob")
    store = load_trust_store(folder)
    assert store.keys[0] == entry
    assert [key.name for key in store.keys] == ["alice", "bob"]
    assert sorted(os.listdir(folder)) == ["alice.pub", "bob.pub", "trust.toml"]
    assert not folder.stat().st_mode & 0o077


def test_a_user_without_a_trust_store_is_told_how_to_get_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECURELOAD_TRUST_STORE", str(folder))
    with pytest.raises(UntrustedError, match="nobody is trusted yet") as caught:
        load_trust_store()
    assert "secureload trust add" in caught.value.hint
    assert caught.value.exit_code is ExitCode.UNTRUSTED
    add(folder, ALICE, "alice")
    assert load_trust_store().named("alice") is not None


def test_a_folder_that_was_asked_for_and_holds_no_store_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing", Path("/dev/null"), Path("a\0b")):
        with pytest.raises(UsageError, match="no trust store"):
            load_trust_store(path)


def test_a_key_or_a_name_that_is_there_already_is_not_added_again(folder: Path) -> None:
    add(folder, ALICE, "alice")
    with pytest.raises(UsageError, match="already, as 'alice'"):
        add(folder, ALICE, "mallory")
    with pytest.raises(UsageError, match="another key named 'alice'"):
        add(folder, BOB, "alice")
    (folder / "bob.pub").write_bytes(encode_public_key(SigningKey.generate().public))
    with pytest.raises(UsageError, match="holds another key"):
        add(folder, BOB, "bob")
    assert [key.name for key in load_trust_store(folder).keys] == ["alice"]


@pytest.mark.parametrize("name", ["", "../alice", "a/b", "a b", ".hidden", "alice\n"])
def test_a_name_that_would_be_another_path_is_refused_before_anything_is_written(
    folder: Path, name: str
) -> None:
    with pytest.raises(UsageError, match="key name"):
        add(folder, ALICE, name)
    assert not folder.exists()


def test_a_revoked_key_stays_in_the_store_and_says_since_when_and_why(folder: Path) -> None:
    add(folder, ALICE, "alice")
    add(folder, BOB, "bob")
    revoked = revoke_key(folder, "bob", since=NOW, reason='laptop "stolen"')
    store = load_trust_store(folder)
    assert store.named("bob") == revoked
    assert revoked.revoked_since == NOW.replace(microsecond=0)
    assert revoked.revoked_reason == 'laptop "stolen"'
    assert store.keys[0].revoked_since is None
    with pytest.raises(UsageError, match="revoked already"):
        revoke_key(folder, "bob", since=NOW)
    with pytest.raises(UsageError, match="no key 'carol'"):
        revoke_key(folder, "carol", since=NOW)
    with pytest.raises(UsageError, match="no trust store"):
        revoke_key(folder.parent, "bob", since=NOW)


def test_the_comments_and_the_order_of_a_hand_written_file_survive_a_change(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "zoe.pub").write_bytes(encode_public_key(ALICE))
    head = "# Reviewed by the board.\nversion = 1\n\n[[key]] # zoe\n"
    (folder / "trust.toml").write_text(head + 'roles = ["signer"]\nname = "zoe"\nfile = "zoe.pub"')
    add(folder, BOB, "bob")
    revoke_key(folder, "zoe", since=NOW)
    written = (folder / "trust.toml").read_text()
    assert written.startswith(head + "revoked_since = 2026-06-01T12:00:00Z\n")
    assert [key.name for key in load_trust_store(folder).keys] == ["zoe", "bob"]


def test_a_file_in_another_style_is_written_afresh_rather_than_wrongly(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "alice.pub").write_bytes(encode_public_key(ALICE))
    (folder / "trust.toml").write_text(
        'version = 1\nkey = [{name = "alice", file = "alice.pub", roles = ["signer"]}]\n'
    )
    add(folder, BOB, "bob")
    revoke_key(folder, "alice", since=NOW)
    store = load_trust_store(folder)
    assert [(key.name, key.revoked_since is None) for key in store.keys] == [("alice", False), ("bob", True)]


def test_a_public_key_file_that_is_there_already_is_adopted(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "alice.pub").write_bytes(encode_public_key(PublicKey(ALICE.raw, "her own comment")))
    add(folder, ALICE, "alice")
    assert load_trust_store(folder).keys[0].public_key.comment == "her own comment"


def test_a_store_that_others_can_change_or_that_links_elsewhere_is_not_read(
    folder: Path, tmp_path: Path
) -> None:
    add(folder, ALICE, "alice")
    (folder / "alice.pub").chmod(0o666)
    with pytest.raises(UsageError, match="everybody may write"):
        load_trust_store(folder)
    (folder / "alice.pub").rename(tmp_path / "elsewhere.pub")
    (folder / "alice.pub").symlink_to(tmp_path / "elsewhere.pub")
    with pytest.raises(UsageError, match="symbolic link"):
        load_trust_store(folder)
    (folder / "alice.pub").unlink()
    with pytest.raises(UsageError, match=r"'alice\.pub' is not in the trust store"):
        load_trust_store(folder)
    folder.chmod(0o777)
    with pytest.raises(UsageError, match="everybody may write"):
        load_trust_store(folder)


def test_a_damaged_store_is_never_changed(folder: Path) -> None:
    add(folder, ALICE, "alice")
    for damage in (b"version = 1\n[[key]]\nname = 3\n", b"\xff", b"", b"version = 9"):
        (folder / "trust.toml").write_bytes(damage)
        for change in (lambda: add(folder, BOB, "bob"), lambda: revoke_key(folder, "alice", since=NOW)):
            with pytest.raises(UsageError):
                change()
        assert (folder / "trust.toml").read_bytes() == damage
        assert not (folder / "bob.pub").exists()


def test_keys_that_are_added_at_the_same_time_are_all_there_afterwards(folder: Path) -> None:
    keys = {f"key-{number}": SigningKey.generate().public for number in range(12)}
    failures: list[SecureloadError] = []

    def run(name: str, key: PublicKey) -> None:
        try:
            add(folder, key, name)
        except SecureloadError as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=item) for item in keys.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {key.name for key in load_trust_store(folder).keys} == set(keys)


def test_an_empty_store_trusts_nobody(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "trust.toml").write_text("version = 1\n")
    assert load_trust_store(folder) == TrustStore()
