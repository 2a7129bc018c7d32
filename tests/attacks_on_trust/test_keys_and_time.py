"""Attacks on whom is trusted and when: keys, stores, thresholds, expiry, revocation, rollback and clocks."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import secureload
from secureload.api import verify as verify_module
from secureload.api.attest import attest
from secureload.api.sign import sign
from secureload.errors import (
    ExpiredError,
    RequirementError,
    RevokedError,
    RollbackError,
    ThresholdError,
    UntrustedError,
    UsageError,
)
from secureload.signing.keys import SigningKey, encode_public_key
from secureload.signing.predicates.approval import Approval
from secureload.trust.keyfiles import read_private_key, write_private_key
from secureload.trust.store import add_trusted_key, load_trust_store, revoke_key

from .parties import DAY, Parties, now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The verifier's clock: its one entry is what it says."""
    times = [now()]

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return times[0]

    monkeypatch.setattr(verify_module, "datetime", Clock)
    return times


def test_one_key_under_two_names_to_meet_a_threshold(parties: Parties) -> None:
    path = parties.file()
    (envelope,) = parties.envelopes(path)
    parties.replace(path, envelope, envelope)
    with pytest.raises(ThresholdError, match="1 of 2"):
        parties.verify(path, threshold=2)
    with pytest.raises(UsageError, match="already"):
        add_trusted_key(parties.store, parties.alice.public, name="alice2", roles=["signer"])
    (parties.store / "alice2.pub").write_bytes(encode_public_key(parties.alice.public))
    toml = parties.store / "trust.toml"
    toml.write_text(
        toml.read_text() + '\n[[key]]\nname = "alice2"\nfile = "alice2.pub"\nroles = ["signer"]\n'
    )
    with pytest.raises(UsageError, match="public key"):
        load_trust_store(parties.store)


def test_a_key_beside_the_model_and_in_the_working_directory(
    parties: Parties, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = parties.file()
    sign(path, key=parties.mallory)
    parties.replace(path, parties.envelopes(path)[-1])
    for name in ("mallory.pub", "model.bin.pub", "cosign.pub"):
        (path.parent / name).write_bytes(encode_public_key(parties.mallory.public))
    add_trusted_key(path.parent / "keys", parties.mallory.public, name="mallory", roles=["signer"])
    monkeypatch.chdir(path.parent)
    with pytest.raises(UntrustedError):
        parties.verify(path)


def test_a_trust_store_that_everybody_may_write_to(parties: Parties) -> None:
    path = parties.file()
    for target in (parties.store, parties.store / "trust.toml", parties.store / "alice.pub"):
        mode = target.stat().st_mode
        target.chmod(mode | 0o002)
        with pytest.raises(UsageError, match="everybody may write"):
            parties.verify(path)
        target.chmod(mode)
    parties.verify(path)


def test_a_folder_above_the_trust_store_that_everybody_may_write_to(parties: Parties) -> None:
    path = parties.file()
    above = parties.root / "open" / "below"
    above.mkdir(parents=True)
    parties.store.rename(above / "trust")
    for mode, refused in ((0o777, True), (0o1777, False), (0o755, False)):
        above.parent.chmod(mode)
        if refused:
            with pytest.raises(UsageError, match="put another in the place of"):
                secureload.verify(path, trust_store=above / "trust")
        else:
            secureload.verify(path, trust_store=above / "trust")


def test_a_private_key_that_others_may_read(parties: Parties) -> None:
    file = parties.root / "key"
    write_private_key(file, parties.alice, None)
    read_private_key(file)
    for mode in (0o644, 0o640, 0o604, 0o660):
        file.chmod(mode)
        with pytest.raises(UsageError, match="open to other users"):
            read_private_key(file)


def test_an_expired_statement(parties: Parties, clock: list[datetime]) -> None:
    path = parties.file(expires=timedelta(days=1))
    parties.verify(path)
    clock[0] = now() + 2 * DAY
    with pytest.raises(ExpiredError):
        parties.verify(path)


def test_a_statement_from_the_future_and_a_key_that_is_not_yet_valid(
    parties: Parties, clock: list[datetime]
) -> None:
    path = parties.file()
    clock[0] = now() - DAY
    with pytest.raises(ExpiredError, match="in the future"):
        parties.verify(path)
    store = parties.root / "later"
    add_trusted_key(store, parties.alice.public, name="alice", roles=["signer"], valid_from=now() + DAY)
    clock[0] = now()
    with pytest.raises(ExpiredError, match="valid only from"):
        secureload.verify(path, trust_store=store)


def test_the_clock_set_back_revives_nothing(parties: Parties, clock: list[datetime]) -> None:
    expiring = parties.file(expires=timedelta(days=2))
    other = parties.file(b"other", "other.bin")
    clock[0] = now() + 3 * DAY
    with pytest.raises(ExpiredError):
        parties.verify(expiring)
    parties.verify(other)  # what is verified at all is what the memory of the time is made of
    clock[0] = now() + timedelta(hours=1)
    with pytest.raises(ExpiredError, match="it has said"):
        parties.verify(expiring)
    parties.verify(other)


def test_revoked_and_signed_before_and_after(parties: Parties) -> None:
    path = parties.file()
    revoke_key(parties.store, "alice", since=datetime.now(UTC) - DAY, reason="stolen")
    with pytest.raises(RevokedError, match="stolen"):
        parties.verify(path)


def test_a_revoked_key_counts_for_what_another_trusted_key_saw_before(parties: Parties) -> None:
    path = parties.file()
    attest(path, "timestamp", key=parties.bob)
    revoke_key(parties.store, "alice", since=datetime.now(UTC) + timedelta(seconds=5), reason="left")
    toml = parties.store / "trust.toml"
    # A thief signs other bytes in her name, dated back, and cannot date the timestamp back.
    assert parties.verify(path).verification.signers
    since = (datetime.now(UTC) + timedelta(seconds=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = [
        f"revoked_since = {since}" if "revoked_since" in line else line
        for line in toml.read_text().split("\n")
    ]
    toml.write_text("\n".join(lines))
    stolen = parties.file(b"stolen", "stolen.bin")
    later = [datetime.now(UTC) + timedelta(hours=1)]
    with pytest.MonkeyPatch.context() as patch:

        class Clock(datetime):
            @classmethod
            def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
                return later[0]

        patch.setattr(verify_module, "datetime", Clock)
        assert parties.verify(path).verification.signers
        with pytest.raises(RevokedError):
            parties.verify(stolen)
        parties.replace(stolen, *parties.envelopes(stolen), parties.envelopes(path)[1])
        with pytest.raises(RevokedError):
            parties.verify(stolen)


def test_rolled_back_to_an_older_signed_version(parties: Parties) -> None:
    path = parties.file(b"one", version="1.9")
    old = parties.root / "old"
    old.mkdir()
    shutil.copy(path, old / path.name)
    shutil.copy(parties.sidecar(path), old / f"{path.name}.sig")
    parties.verify(old / path.name)
    path.write_bytes(b"two")
    sign(path, key=parties.alice, version="1.10")
    parties.verify(path)
    with pytest.raises(RollbackError, match=r"version 1\.10 was seen before"):
        parties.verify(old / path.name)
    with pytest.raises(RollbackError):
        secureload.safe_load(old / path.name, trust_store=parties.store)
    assert parties.verify(old / path.name, allow_rollback=True).verification.signers
    parties.verify(old / path.name)  # going back was meant: it is the version seen last now


def test_the_signature_file_of_an_older_version_replayed(parties: Parties) -> None:
    path = parties.file(b"one", version="1")
    older = parties.sidecar(path).read_bytes()
    path.write_bytes(b"two")
    sign(path, key=parties.alice, version="2")
    parties.verify(path)
    parties.sidecar(path).write_bytes(older)
    with pytest.raises(secureload.TrustError):
        parties.verify(path)
    path.write_bytes(b"one")  # the older model too
    with pytest.raises(RollbackError):
        parties.verify(path)


def test_signed_again_without_a_version_it_does_not_slip_past_the_memory(parties: Parties) -> None:
    path = parties.file(b"one")
    unversioned = parties.sidecar(path).read_bytes()
    sign(path, key=parties.alice, version="2")
    parties.verify(path)
    parties.sidecar(path).write_bytes(unversioned)
    with pytest.raises(RollbackError, match="as no version"):
        parties.verify(path)


def test_four_eyes_with_one_pair(parties: Parties, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        'version = 1\nname = "p"\n[[require]]\nstatement = "signature"\n[[require]]\nstatement = "approval"\n'
    )
    path = parties.file()
    attest(path, Approval(), key=parties.alice)  # she is trusted as an approver too
    with pytest.raises(RequirementError, match="alice also signed the model"):
        parties.verify(path, policy=policy)
    attest(path, Approval(), key=parties.bob)
    parties.verify(path, policy=policy)


def test_an_approval_of_another_version_or_of_other_bytes_replayed(parties: Parties, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        'version = 1\nname = "p"\n[[require]]\nstatement = "signature"\n[[require]]\nstatement = "approval"\n'
    )
    path = parties.file(b"one", version="1")
    attest(path, Approval(), key=parties.bob)
    approval = parties.envelopes(path)[-1]
    for data, version in ((b"two", "1"), (b"one", "2")):
        path.write_bytes(data)
        sign(path, key=parties.alice, version=version)
        parties.replace(path, parties.envelopes(path)[0], approval)
        with pytest.raises(RequirementError, match="about another model or version"):
            parties.verify(path, policy=policy)


def test_a_policy_beside_the_model_is_not_looked_for(
    parties: Parties, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = parties.file()
    monkeypatch.chdir(path.parent)
    for name in ("policy.toml", "standard", "standard.toml", ".secureload.toml"):
        (path.parent / name).write_text(
            'version = 1\nname = "lax"\ninsecure_admit_what_nobody_signed = true\n'
        )
    parties.sidecar(path).unlink()
    for policy in (None, "standard"):
        with pytest.raises(secureload.TrustError):
            parties.verify(path, policy=policy)


def test_a_stranger_states_metadata_and_approvals(parties: Parties) -> None:
    path = parties.file()
    stranger = SigningKey.generate()
    attest(path, Approval("trust me"), key=stranger)
    found = parties.verify(path).verification
    assert found.stated("approval") == ()
    assert [one.status.value for one in found.attestations] == ["unknown-key"]
