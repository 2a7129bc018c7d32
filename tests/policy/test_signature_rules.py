from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.limits import DEFAULT_LIMITS
from secureload.policy.signature_rules import Question, SignatureResult, SignatureStatus, judge_signature
from secureload.signing.dsse import IN_TOTO_PAYLOAD_TYPE, Envelope, sign_payload
from secureload.signing.keys import PublicKey, SigningKey
from secureload.signing.manifest import Difference, Manifest, Member, make_manifest
from secureload.signing.statement import encode_statement
from secureload.signing.truststore import TrustedKey, TrustStore

KEY = SigningKey.generate()
NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FILE = make_manifest("file", [Member("model.joblib", b"\x01" * 32, 7)])
FOLDER = make_manifest("folder", [Member("a", b"\x01" * 32, 1), Member("b", b"\x02" * 32, 2)])


def trusted(**options: Any) -> TrustStore:
    options = {"roles": frozenset({"signer"}), **options}
    return TrustStore((TrustedKey("alice", KEY.public, **options),))


def signed(manifest: Manifest = FILE, **options: Any) -> Envelope:
    return sign_payload(encode_statement(manifest, **{"created": NOW - DAY, **options}), KEY)


def judged(envelope: Envelope | None = None, manifest: Manifest = FILE, **options: Any) -> SignatureResult:
    question = Question(
        manifest,
        options.get("store", trusted()),
        options.get("now", NOW),
        options.get("name"),
        options.get("role", "signer"),
        DEFAULT_LIMITS,
    )
    result = judge_signature(envelope or signed(), question)
    assert result.message.isprintable()
    assert result.hint or result.status is SignatureStatus.GOOD
    return result


def test_a_good_signature_says_who_signed_what_and_when() -> None:
    result = judged()
    assert result.status is SignatureStatus.GOOD
    assert result.message == "signed by alice as 'model.joblib' on 2026-05-31T00:00:00Z"
    assert (result.key_name, result.fingerprint) == ("alice", KEY.public.fingerprint)
    assert result.statement is not None
    assert result.statement.manifest == FILE


def test_an_unknown_key_is_named_by_its_id_and_an_empty_store_is_said_to_be_empty() -> None:
    result = judged(
        store=TrustStore((TrustedKey("bob", SigningKey.generate().public, frozenset({"signer"})),))
    )
    assert result.status is SignatureStatus.UNKNOWN_KEY
    assert result.message.endswith("the trust store does not list that key")
    assert KEY.public.key_id in result.message
    assert (result.key, result.statement) == (None, None)
    assert judged(store=TrustStore()).message.endswith("the trust store is empty")


def test_a_signature_of_a_thief_who_names_a_trusted_key_is_a_bad_signature() -> None:
    genuine = signed()
    forged = sign_payload(genuine.payload, SigningKey.generate())
    result = judged(Envelope(forged.payload, forged.payload_type, forged.signature, KEY.public.key_id))
    assert result.status is SignatureStatus.BAD_SIGNATURE
    assert result.statement is None


def test_a_signature_over_the_same_bytes_as_another_type_is_a_bad_signature() -> None:
    envelope = sign_payload(signed().payload, KEY, "text/plain")
    moved = Envelope(envelope.payload, IN_TOTO_PAYLOAD_TYPE, envelope.signature, envelope.key_id)
    assert judged(moved).status is SignatureStatus.BAD_SIGNATURE


def test_a_weak_key_that_got_into_the_store_is_refused_when_it_is_used() -> None:
    weak = object.__new__(PublicKey)
    object.__setattr__(weak, "raw", (1).to_bytes(32, "little"))
    object.__setattr__(weak, "comment", "")
    store = TrustStore((TrustedKey("mallory", weak, frozenset({"signer"})),))
    constant = (1).to_bytes(32, "little") + bytes(32)
    result = judged(Envelope(signed().payload, IN_TOTO_PAYLOAD_TYPE, constant, weak.key_id), store=store)
    assert result.status is SignatureStatus.WEAK_KEY
    assert "small order" in result.message


@pytest.mark.parametrize("payload", [b"", b"{}", b"\xff", b'{"_type":"https://in-toto.io/Statement/v0.1"}'])
def test_a_signed_payload_that_is_no_statement_is_malformed(payload: bytes) -> None:
    result = judged(sign_payload(payload, KEY))
    assert result.status is SignatureStatus.MALFORMED_STATEMENT
    assert "alice signed what is not a statement about a model" in result.message


def test_a_revoked_key_does_not_count_even_for_what_is_dated_before_the_revocation() -> None:
    store = trusted(revoked_since=NOW, revoked_reason="laptop stolen")
    result = judged(signed(created=NOW - 300 * DAY), store=store)
    assert result.status is SignatureStatus.KEY_REVOKED
    assert result.message == "the key of alice is revoked since 2026-06-01T00:00:00Z (laptop stolen)"
    assert result.fields == {"since": "2026-06-01T00:00:00Z", "reason": "laptop stolen"}
    assert judged(store=store, now=NOW - timedelta(seconds=1)).status is SignatureStatus.GOOD


def test_a_key_counts_from_valid_from_on_and_no_longer_at_valid_until() -> None:
    store = trusted(valid_from=NOW, valid_until=NOW + DAY)
    second = timedelta(seconds=1)
    assert judged(store=store, now=NOW - second).status is SignatureStatus.KEY_NOT_YET_VALID
    assert judged(store=store, now=NOW).status is SignatureStatus.GOOD
    assert judged(store=store, now=NOW + DAY - second).status is SignatureStatus.GOOD
    expired = judged(store=store, now=NOW + DAY)
    assert expired.status is SignatureStatus.KEY_EXPIRED
    assert expired.message == "the key of alice expired on 2026-06-02T00:00:00Z"


def test_a_key_that_is_trusted_as_something_else_or_for_other_models_does_not_count() -> None:
    role = judged(role="approver")
    assert role.status is SignatureStatus.WRONG_ROLE
    assert role.message == "the key of alice is trusted as signer, not as approver"
    model = judged(store=trusted(models=("fraud-*", "churn")))
    assert model.status is SignatureStatus.WRONG_MODEL
    assert "the models fraud-*, churn, not for 'model.joblib'" in model.message


def test_a_pattern_holds_for_the_signed_name_and_not_for_the_name_of_the_file() -> None:
    store = trusted(models=("model.*",))
    envelope = signed(name="payments")
    assert judged(envelope, store=store).status is SignatureStatus.WRONG_MODEL


def test_changed_bytes_are_a_mismatch_that_names_the_member() -> None:
    for member in (Member("model.joblib", b"\x02" * 32, 7), Member("model.joblib", b"\x01" * 32, 8)):
        result = judged(manifest=make_manifest("file", [member]))
        assert result.status is SignatureStatus.MANIFEST_MISMATCH
        assert result.difference == Difference(changed=("model.joblib",))
        assert result.fields["changed"] == ("model.joblib",)


def test_changed_missing_and_added_members_of_a_folder_are_named() -> None:
    found = make_manifest("folder", [Member("b", b"\x03" * 32, 2), Member("c", b"\x01" * 32, 0)])
    result = judged(signed(FOLDER, name="fraud"), manifest=found)
    assert result.status is SignatureStatus.MANIFEST_MISMATCH
    assert result.message == "alice signed other bytes, as 'fraud': changed: b; missing: a; added: c"
    assert judged(signed(FOLDER, name="fraud"), manifest=FOLDER).status is SignatureStatus.GOOD


def test_an_added_empty_file_and_a_renamed_member_of_a_folder_are_a_mismatch() -> None:
    more = make_manifest("folder", [*FOLDER.members, Member(".git/config", b"\x09" * 32, 0)])
    assert judged(signed(FOLDER, name="f"), manifest=more).status is SignatureStatus.MANIFEST_MISMATCH
    renamed = make_manifest("folder", [FOLDER.members[0], Member("z", b"\x02" * 32, 2)])
    assert judged(signed(FOLDER, name="f"), manifest=renamed).status is SignatureStatus.MANIFEST_MISMATCH


def test_the_signature_of_another_file_is_a_mismatch_that_names_that_file() -> None:
    other = make_manifest("file", [Member("other.joblib", b"\x05" * 32, 9)])
    result = judged(signed(other), manifest=FILE)
    assert result.status is SignatureStatus.MANIFEST_MISMATCH
    assert "alice signed other bytes, as 'other.joblib'" in result.message


def test_a_file_that_was_renamed_after_it_was_signed_is_accepted_only_by_its_signed_name() -> None:
    renamed = make_manifest("file", [Member("renamed.joblib", b"\x01" * 32, 7)])
    result = judged(manifest=renamed)
    assert result.status is SignatureStatus.NAME_MISMATCH
    assert result.message == "alice signed this as 'model.joblib', not as 'renamed.joblib'"
    assert "renamed" in result.hint
    assert judged(manifest=renamed, name="model.joblib").status is SignatureStatus.GOOD
    assert judged(name="another").status is SignatureStatus.NAME_MISMATCH


def test_a_file_signed_under_a_model_name_is_found_by_that_name_and_by_its_own() -> None:
    envelope = signed(name="fraud")
    for name in (None, "fraud", "model.joblib"):
        assert judged(envelope, name=name).status is SignatureStatus.GOOD
    assert judged(envelope, name="churn").status is SignatureStatus.NAME_MISMATCH


def test_a_folder_is_asked_for_by_its_signed_name_or_by_none() -> None:
    envelope = signed(FOLDER, name="fraud")
    assert judged(envelope, FOLDER, name=None).status is SignatureStatus.GOOD
    assert judged(envelope, FOLDER, name="fraud").status is SignatureStatus.GOOD
    assert judged(envelope, FOLDER, name="a").status is SignatureStatus.NAME_MISMATCH


def test_an_expired_statement_and_one_from_the_future_do_not_count() -> None:
    expired = judged(signed(expires=NOW))
    assert expired.status is SignatureStatus.STATEMENT_EXPIRED
    assert expired.message == "the signature of alice expired on 2026-06-01T00:00:00Z"
    assert judged(signed(expires=NOW + DAY)).status is SignatureStatus.GOOD
    future = judged(signed(created=NOW + timedelta(minutes=6)))
    assert future.status is SignatureStatus.STATEMENT_NOT_YET_VALID
    assert judged(signed(created=NOW + timedelta(minutes=4))).status is SignatureStatus.GOOD


@pytest.mark.parametrize("year", [1, 9999])
def test_a_statement_at_the_edge_of_the_calendar_is_no_crash(year: int) -> None:
    judged(signed(created=datetime(year, 1, 1, tzinfo=UTC)))
    judged(now=datetime(year, 1, 1, tzinfo=UTC))


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=60), st.text(st.characters(), max_size=20), st.binary(max_size=70), st.booleans())
def test_whatever_is_in_an_envelope_a_result_comes_out_and_never_a_good_one(
    payload: bytes, payload_type: str, signature: bytes, is_known: bool
) -> None:
    key_id = KEY.public.key_id if is_known else payload_type
    result = judged(Envelope(payload, payload_type, signature, key_id))
    assert result.status in (SignatureStatus.BAD_SIGNATURE, SignatureStatus.UNKNOWN_KEY)
