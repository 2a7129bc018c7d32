"""What an attestation is worth: its key's rules, its role, and that it is about the model that was signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import SignatureFormatError
from secureload.policy.requirement import Requirement, answers
from secureload.policy.signature_rules import SignatureResult, SignatureStatus
from secureload.policy.verification import Verification, verify
from secureload.signing.attestation import Attestation, encode_attestation
from secureload.signing.dsse import Envelope, envelope_digest, sign_payload
from secureload.signing.keys import SigningKey
from secureload.signing.manifest import Manifest, Member, make_manifest
from secureload.signing.predicates.approval import Approval
from secureload.signing.predicates.catalog import PREDICATES
from secureload.signing.predicates.metadata import Metadata
from secureload.signing.predicates.timestamp import Timestamp
from secureload.signing.sidecar import encode_sidecar, parse_sidecar
from secureload.signing.statement import encode_statement
from secureload.signing.truststore import TrustedKey, TrustStore

ALICE, BOB, NOTARY = (SigningKey.generate() for _ in range(3))
NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FILE = make_manifest("file", [Member("model.joblib", b"\x01" * 32, 7)])


def store(**alice: Any) -> TrustStore:
    return TrustStore(
        (
            TrustedKey("alice", ALICE.public, **{"roles": frozenset({"signer", "approver"}), **alice}),
            TrustedKey("bob", BOB.public, frozenset({"approver"})),
            TrustedKey("notary", NOTARY.public, frozenset({"timestamper"})),
        )
    )


def signed(manifest: Manifest = FILE, key: SigningKey = ALICE, **options: Any) -> Envelope:
    return sign_payload(encode_statement(manifest, **{"created": NOW - 10 * DAY, **options}), key)


def stated(predicate: object, key: SigningKey, **options: Any) -> Envelope:
    fields = {
        "kind": type(predicate).__name__.lower(),
        "name": "model.joblib",
        "version": None,
        "subject_digest": FILE.subject_digest,
        "created": NOW - DAY,
        "expires": None,
        "predicate": predicate,
        **options,
    }
    return sign_payload(encode_attestation(Attestation(**fields)), key)


def verified(*envelopes: Envelope, **options: Any) -> Verification:
    known = options.pop("known", store())
    return verify(envelopes, FILE, known, now=NOW, **options)


def only(verification: Verification) -> SignatureResult:
    (result,) = verification.attestations
    return result


def test_an_approval_counts_beside_a_signature_and_never_as_one() -> None:
    found = verified(signed(), stated(Approval(), BOB))
    assert [one.key_name for one in found.stated("approval")] == ["bob"]
    assert [key.name for key in found.signers] == ["alice"]
    assert verified(stated(Approval(), ALICE)).results == ()


def test_metadata_by_a_key_that_is_no_signer_does_not_count() -> None:
    found = verified(signed(), stated(Metadata(trained="2026-03-01T12:00:00Z"), BOB))
    assert only(found).status is SignatureStatus.WRONG_ROLE


def test_an_approval_of_other_bytes_another_name_or_another_version_does_not_count() -> None:
    for change in ({"subject_digest": b"\x09" * 32}, {"name": "other"}, {"version": "2"}):
        found = verified(signed(), stated(Approval(), BOB, **change))
        assert only(found).status is SignatureStatus.MANIFEST_MISMATCH


def test_an_approval_that_expired_or_comes_from_the_future_does_not_count() -> None:
    expired = verified(signed(), stated(Approval(), BOB, expires=NOW - timedelta(hours=1)))
    assert only(expired).status is SignatureStatus.STATEMENT_EXPIRED
    future = verified(signed(), stated(Approval(), BOB, created=NOW + DAY))
    assert only(future).status is SignatureStatus.STATEMENT_NOT_YET_VALID


def test_what_was_seen_before_the_revocation_counts_and_what_was_seen_after_does_not() -> None:
    revoked = store(revoked_since=NOW - 5 * DAY, revoked_reason="laptop stolen")
    envelope = signed()
    for seen, status in ((NOW - 6 * DAY, "good"), (NOW - 4 * DAY, "key-revoked")):
        stamp = stated(Timestamp(envelope_digest(envelope)), NOTARY, created=seen)
        (result,) = verified(envelope, stamp, known=revoked).results
        assert result.status.value == status
    (alone,) = verified(envelope, known=revoked).results
    assert alone.status is SignatureStatus.KEY_REVOKED


def test_a_timestamp_of_another_signature_or_by_the_key_itself_vouches_for_nothing() -> None:
    revoked = store(
        revoked_since=NOW - 5 * DAY, roles=frozenset({"signer", "timestamper"}), revoked_reason="stolen"
    )
    envelope = signed()
    other = stated(Timestamp(envelope_digest(signed(version="2"))), NOTARY, created=NOW - 6 * DAY)
    own = stated(Timestamp(envelope_digest(envelope)), ALICE, created=NOW - 6 * DAY)
    for stamp in (other, own):
        (result,) = verified(envelope, stamp, known=revoked).results
        assert result.status is SignatureStatus.KEY_REVOKED


def test_an_expired_key_counts_for_what_was_seen_while_it_was_valid() -> None:
    expired = store(valid_until=NOW - DAY)
    envelope = signed()
    stamp = stated(Timestamp(envelope_digest(envelope)), NOTARY, created=NOW - 2 * DAY)
    assert verified(envelope, known=expired).results[0].status is SignatureStatus.KEY_EXPIRED
    assert verified(envelope, stamp, known=expired).results[0].status is SignatureStatus.GOOD


def test_four_eyes_the_signers_own_key_is_no_approver() -> None:
    rule = Requirement(statement="approval", independent=True)
    (own,) = answers([rule], verified(signed(), stated(Approval(), ALICE)), NOW)
    assert not own.is_met
    assert "alice also signed the model" in own.missing
    (other,) = answers([rule], verified(signed(), stated(Approval(), ALICE), stated(Approval(), BOB)), NOW)
    assert (other.is_met, other.counted) == (True, ("bob",))


def test_two_approvals_of_one_key_are_one_and_old_ones_do_not_count() -> None:
    twice = verified(signed(), stated(Approval(), BOB), stated(Approval("again"), BOB))
    assert not answers([Requirement(statement="approval", keys=2)], twice, NOW)[0].is_met
    rule = Requirement(statement="approval", max_age=timedelta(hours=2))
    assert "is 24 hours old" in answers([rule], twice, NOW)[0].missing


SIDECAR = encode_sidecar(
    [
        signed(),
        stated(Approval("ok"), BOB),
        stated(Metadata(trained="2026-03-01T12:00:00Z"), ALICE),
        stated(Timestamp(envelope_digest(signed())), NOTARY),
    ]
)


@given(st.integers(0, len(SIDECAR) - 2), st.integers(1, 255))
def test_whatever_byte_of_a_signature_file_changes_nothing_else_counts_than_before(
    at: int, change: int
) -> None:
    changed = bytearray(SIDECAR)
    changed[at] ^= change
    try:
        envelopes = parse_sidecar(bytes(changed))
    except SignatureFormatError:
        return
    found = verified(*envelopes)
    whole = verified(*parse_sidecar(SIDECAR))
    known = {(one.kind, one.message) for one in (*whole.results, *whole.attestations)}
    good = [one for one in (*found.results, *found.attestations) if one.status is SignatureStatus.GOOD]
    assert {(one.kind, one.message) for one in good} <= known
    assert len(good) < 4


@given(st.sampled_from(["metadata", "approval", "scan", "lineage", "timestamp"]), st.binary(max_size=200))
def test_whatever_a_trusted_key_signed_an_attestation_is_judged(kind: str, payload: bytes) -> None:
    known = PREDICATES[kind].type.encode()
    for data in (
        payload,
        b'{"predicateType":"' + known + b'","x":' + payload + b"}",
        b'{"predicateType":"' + known + b'"}',
    ):
        found = verified(sign_payload(data, ALICE))
        assert not found.signers
        assert all(one.status is not SignatureStatus.GOOD for one in found.attestations)
