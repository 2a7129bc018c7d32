from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from secureload.errors import (
    BadSignatureError,
    ExitCode,
    ExpiredError,
    ManifestMismatchError,
    RevokedError,
    SignatureFormatError,
    ThresholdError,
    TrustError,
    UnsignedError,
    UntrustedError,
    UsageError,
)
from secureload.policy.verification import SignatureStatus, Verification, verify
from secureload.signing.dsse import Envelope, sign_payload
from secureload.signing.keys import SigningKey
from secureload.signing.manifest import Member, make_manifest
from secureload.signing.sidecar import encode_sidecar, parse_sidecar
from secureload.signing.statement import encode_statement
from secureload.signing.truststore import TrustedKey, TrustStore

ALICE, BOB, MALLORY = (SigningKey.generate() for _ in range(3))
NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SIGNER = frozenset({"signer"})
MODEL = make_manifest("file", [Member("model.joblib", b"\x01" * 32, 7)])
OTHER = make_manifest("file", [Member("model.joblib", b"\x02" * 32, 7)])
STORE = TrustStore((TrustedKey("alice", ALICE.public, SIGNER), TrustedKey("bob", BOB.public, SIGNER)))


def signed(key: SigningKey = ALICE, manifest: Any = MODEL, **options: Any) -> Envelope:
    return sign_payload(encode_statement(manifest, **{"created": NOW - DAY, **options}), key)


def verified(*envelopes: Envelope, store: TrustStore = STORE, **options: Any) -> Verification:
    return verify(envelopes, MODEL, store, **{"now": NOW, **options})


def store_of(**options: Any) -> TrustStore:
    return TrustStore((TrustedKey("alice", ALICE.public, **{"roles": SIGNER, **options}),))


def test_a_signature_of_a_trusted_key_over_these_bytes_satisfies() -> None:
    verification = verified(*parse_sidecar(encode_sidecar([signed()])))
    verification.require()
    assert verification.error() is None
    assert verification.is_satisfied
    assert [key.name for key in verification.signers] == ["alice"]
    assert verification.statements[0].manifest == MODEL
    assert verification.good == verification.results


def test_a_verification_is_not_a_bool() -> None:
    with pytest.raises(TypeError, match="require"):
        bool(verified(signed()))


CASES: list[tuple[str, type[TrustError], Sequence[Envelope], dict[str, Any]]] = [
    ("there is no signature", UnsignedError, [], {}),
    ("the trust store is empty", UntrustedError, [signed()], {"store": TrustStore()}),
    ("does not list that key", UntrustedError, [signed(MALLORY)], {}),
    (
        "trusted as approver, not",
        UntrustedError,
        [signed()],
        {"store": store_of(roles=frozenset({"approver"}))},
    ),
    ("for the models fraud-*", UntrustedError, [signed()], {"store": store_of(models=("fraud-*",))}),
    ("is revoked since", RevokedError, [signed()], {"store": store_of(revoked_since=NOW)}),
    ("the key of alice expired", ExpiredError, [signed()], {"store": store_of(valid_until=NOW)}),
    ("valid only from", ExpiredError, [signed()], {"store": store_of(valid_from=NOW + DAY)}),
    ("the signature of alice expired", ExpiredError, [signed(expires=NOW)], {}),
    ("in the future", ExpiredError, [signed(created=NOW + DAY)], {}),
    ("signed other bytes", ManifestMismatchError, [signed(manifest=OTHER)], {}),
    ("not as 'churn'", ManifestMismatchError, [signed()], {"name": "churn"}),
    ("what is not a statement", SignatureFormatError, [sign_payload(b"{}", ALICE)], {}),
    (
        "not one that alice made",
        BadSignatureError,
        [Envelope(b"{}", signed().payload_type, bytes(64), ALICE.public.key_id)],
        {},
    ),
    ("1 of 2 required keys", ThresholdError, [signed()], {"threshold": 2}),
]


@pytest.mark.parametrize(("words", "error", "envelopes", "options"), CASES, ids=[case[0] for case in CASES])
def test_each_reason_has_its_own_error_and_its_own_words(
    words: str, error: type[TrustError], envelopes: Sequence[Envelope], options: dict[str, Any]
) -> None:
    with pytest.raises(TrustError) as caught:
        verified(*envelopes, **options).require()
    assert type(caught.value) is error
    assert words in caught.value.message
    assert caught.value.message.isprintable()
    assert caught.value.hint
    assert caught.value.exit_code is ExitCode.UNTRUSTED


def test_no_two_reasons_share_their_words() -> None:
    messages = [verified(*case[2], **case[3]).error() for case in CASES]
    assert len({str(message) for message in messages}) == len(CASES)


def test_the_particulars_of_a_failure_stand_in_its_fields() -> None:
    mismatch = verified(signed(manifest=OTHER)).error()
    assert mismatch is not None
    assert mismatch.fields["changed"] == ("model.joblib",)
    assert mismatch.fields["key"] == "alice"
    assert mismatch.fields["status"] == "manifest-mismatch"
    revoked = verified(signed(), store=store_of(revoked_since=NOW, revoked_reason="stolen")).error()
    assert revoked is not None
    assert (revoked.fields["since"], revoked.fields["reason"]) == ("2026-06-01T00:00:00Z", "stolen")


def test_the_same_failure_is_told_in_whatever_order_the_signatures_stand() -> None:
    envelopes = [signed(MALLORY), signed(BOB, expires=NOW), signed(ALICE, OTHER)]
    errors = [verified(*order).error() for order in itertools.permutations(envelopes)]
    assert {type(error) for error in errors} == {ManifestMismatchError}
    assert len({str(error) for error in errors}) == 1
    assert str(errors[0]).endswith("(2 more signatures do not count either)")


def test_one_good_signature_among_bad_ones_is_enough_and_the_others_are_still_reported() -> None:
    verification = verified(signed(MALLORY), signed(BOB, OTHER), signed(ALICE))
    verification.require()
    assert [result.status for result in verification.results] == [
        SignatureStatus.UNKNOWN_KEY,
        SignatureStatus.MANIFEST_MISMATCH,
        SignatureStatus.GOOD,
    ]


def test_a_threshold_counts_distinct_keys_and_not_signatures() -> None:
    twice = [signed(ALICE), signed(ALICE, created=NOW - 2 * DAY), signed(ALICE)]
    error = verified(*twice, threshold=2).error()
    assert isinstance(error, ThresholdError)
    assert (error.fields["threshold"], error.fields["found"], error.fields["signers"]) == (2, 1, ("alice",))
    verified(signed(ALICE), signed(BOB), threshold=2).require()


def test_a_missed_threshold_says_why_the_other_signature_does_not_count() -> None:
    error = verified(signed(ALICE), signed(BOB, expires=NOW), threshold=2).error()
    assert isinstance(error, ThresholdError)
    assert "not counted: the signature of bob expired" in error.message


def test_a_key_id_of_the_attackers_choice_finds_no_key_and_borrows_none() -> None:
    for key_id in ("alice", "alice.pub", "", "*", ALICE.public.key_id.lower(), "\x1b[31m" + "x" * 300):
        genuine = signed(ALICE)
        moved = Envelope(genuine.payload, genuine.payload_type, genuine.signature, key_id)
        error = verified(moved).error()
        assert isinstance(error, UntrustedError)
        assert error.message.isprintable()


def test_a_caller_who_asks_for_nothing_or_for_the_impossible_is_told_so() -> None:
    with pytest.raises(UsageError, match="below 1"):
        verified(signed(), threshold=0)
    with pytest.raises(UsageError, match="role 'admin' is unknown"):
        verified(signed(), role="admin")
    with pytest.raises(UsageError, match="no time zone"):
        verified(signed(), now=datetime(2026, 6, 1))


def test_approvals_are_verified_like_signatures_by_another_role() -> None:
    store = store_of(roles=frozenset({"approver"}))
    verified(signed(), store=store, role="approver").require()
