"""Changes of a trust store that others propose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from secureload.errors import UntrustedError, UsageError
from secureload.signing.keys import SigningKey, encode_public_key
from secureload.signing.rotation import Rotation
from secureload.trust.changes import import_keys, rotate_key
from secureload.trust.store import add_trusted_key, load_trust_store, revoke_key

OLD, NEW = SigningKey.generate("alice"), SigningKey.generate("alice")
NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ROTATION = Rotation(old=OLD.public, new=NEW.public, created=NOW - DAY, retired=NOW + 30 * DAY)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    add_trusted_key(tmp_path / "trust", OLD.public, name="alice", roles=["signer"], models=["fraud-*"])
    return tmp_path / "trust"


def test_the_new_key_is_trusted_as_the_old_one_was_and_the_old_one_retires(folder: Path) -> None:
    toml = folder / "trust.toml"
    toml.write_text(toml.read_text() + "# our own comment\n")
    rotate_key(folder, ROTATION, now=NOW)
    store = load_trust_store(folder)
    old, new = store.named("alice"), store.named("alice-2")
    assert old is not None
    assert new is not None
    assert old.valid_until == NOW + 30 * DAY
    assert (new.roles, new.models, new.public_key.raw) == (old.roles, old.models, NEW.public.raw)
    assert "# our own comment" in toml.read_text()


def test_a_key_that_is_unknown_revoked_or_expired_cannot_hand_over(folder: Path, tmp_path: Path) -> None:
    stranger = Rotation(old=NEW.public, new=OLD.public, created=NOW, retired=NOW)
    with pytest.raises(UntrustedError, match="not in the trust store"):
        rotate_key(folder, stranger, now=NOW)
    with pytest.raises(UntrustedError, match="in the future"):
        rotate_key(folder, ROTATION, now=NOW - 5 * DAY)
    revoke_key(folder, "alice", since=NOW - DAY, reason="stolen")
    with pytest.raises(UntrustedError, match="it is revoked since"):
        rotate_key(folder, ROTATION, now=NOW)
    add_trusted_key(tmp_path / "two", OLD.public, name="a", roles=["signer"], valid_until=NOW - DAY)
    with pytest.raises(UntrustedError, match="it expired on"):
        rotate_key(tmp_path / "two", ROTATION, now=NOW)
    assert load_trust_store(folder).find(NEW.public.key_id) is None


def test_the_old_key_never_lives_longer_by_handing_over(tmp_path: Path) -> None:
    add_trusted_key(tmp_path, OLD.public, name="alice", roles=["signer"], valid_until=NOW + DAY)
    old, new = rotate_key(tmp_path, ROTATION, now=NOW, name="alice-new")
    assert (old.valid_until, new.name) == (NOW + DAY, "alice-new")


def test_the_entries_of_another_store_are_imported_but_for_those_that_are_revoked_or_there(
    folder: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    for name in ("bob", "eve"):
        add_trusted_key(source, SigningKey.generate().public, name=name, roles=["approver"], models=["x"])
    add_trusted_key(source, OLD.public, name="alice-again", roles=["signer"])
    revoke_key(source, "eve", since=NOW, reason="left")
    added, revoked, left = import_keys(folder, source)
    assert revoked == []
    assert [(one.name, one.models) for one in added] == [("bob", ("x",))]
    assert [line.split(":")[0] for line in left] == ["eve", "alice-again"]


def test_a_key_that_another_store_has_revoked_is_revoked_here_too(folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    add_trusted_key(source, OLD.public, name="alice-there", roles=["signer"])
    revoke_key(source, "alice-there", since=NOW, reason="laptop stolen")
    added, revoked, left = import_keys(folder, source)
    assert (added, left) == ([], [])
    assert [(one.name, one.revoked_since, one.revoked_reason) for one in revoked] == [
        ("alice", NOW, "laptop stolen")
    ]
    here = load_trust_store(folder).named("alice")
    assert here is not None
    assert here.revoked_since == NOW
    assert import_keys(folder, source) == ([], [], ["alice-there: the key is there already"])


def test_allowed_signers_are_imported_in_the_roles_that_are_named(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "allowed_signers"
    line = encode_public_key(NEW.public).decode()
    file.write_text(f"# our people\n\nbob@example.org {line}")
    with pytest.raises(UsageError, match="nothing of roles"):
        import_keys(folder, file)
    added, _, _ = import_keys(folder, file, roles=["approver"])
    assert [(one.name, set(one.roles)) for one in added] == [("bob@example.org", {"approver"})]
    file.write_text(f'bob namespaces="git" {line}')
    with pytest.raises(UsageError, match="has options"):
        import_keys(folder, file, roles=["approver"])
