"""Who signed it: each way in which nobody did has its own error, and nothing else ever comes out."""

from __future__ import annotations

import contextlib
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secureload.api.sign import sign
from secureload.api.verify import verify
from secureload.artifact import pinning
from secureload.errors import (
    BadSignatureError,
    ExpiredError,
    ManifestMismatchError,
    RequirementError,
    RevokedError,
    SecureloadError,
    SignatureFormatError,
    ThresholdError,
    TrustError,
    UnsignedError,
    UntrustedError,
    UsageError,
)
from secureload.signing.keys import SigningKey
from secureload.signing.truststore import TrustStore
from secureload.trust.store import add_trusted_key, load_trust_store, revoke_key

from .conftest import Save

DATA = b"\x80\x04]."
POLICY = 'version = 1\nname = "p"\nformats = ["{}"]\n[[require]]\nstatement = "signature"\n'


def test_a_signed_file_says_who_signed_it(save: Save, store: TrustStore, alice: SigningKey) -> None:
    found = verify(save(DATA), trust_store=store)
    assert [signer.name for signer in found.verification.signers] == ["alice"]
    assert found.sidecar.name == "model.joblib.sig"


def test_signing_and_verifying_keep_no_copy_so_that_a_file_may_be_larger_than_memory(
    save: Save, store: TrustStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pinning, "_new_copy", lambda: pytest.fail("a copy was made"))
    path = save(DATA)
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY.format("pickle"))
    assert verify(path, trust_store=store, policy=policy).verification.good
    policy.write_text(POLICY.format("safetensors"))
    with pytest.raises(RequirementError, match="admits safetensors, and this is pickle"):
        verify(path, trust_store=store, policy=policy)


def test_one_changed_byte_names_the_member_that_changed(save: Save, store: TrustStore) -> None:
    path = save(DATA)
    path.write_bytes(b"\x80\x04}.")
    with pytest.raises(ManifestMismatchError, match=r"model\.joblib") as caught:
        verify(path, trust_store=store)
    assert caught.value.fields["changed"] == ("model.joblib",)


def test_a_byte_more_is_a_mismatch_too(save: Save, store: TrustStore) -> None:
    path = save(DATA)
    path.write_bytes(DATA + b"x")
    with pytest.raises(ManifestMismatchError):
        verify(path, trust_store=store)


def test_a_file_without_a_sidecar_is_unsigned(tmp_path: Path, store: TrustStore) -> None:
    (tmp_path / "m.pkl").write_bytes(DATA)
    with pytest.raises(UnsignedError, match="no signature"):
        verify(tmp_path / "m.pkl", trust_store=store)


def test_the_sidecar_of_another_file_is_not_accepted(save: Save, store: TrustStore) -> None:
    first, second = save(DATA, "first.pkl"), save(b"\x80\x04}.", "second.pkl")
    shutil.copy(f"{second}.sig", f"{first}.sig")
    with pytest.raises(TrustError):
        verify(first, trust_store=store)


def test_a_renamed_file_is_accepted_under_its_signed_name_alone(save: Save, store: TrustStore) -> None:
    path = save(DATA, "fraud.pkl")
    renamed = path.with_name("harmless.pkl")
    path.rename(renamed)
    Path(f"{path}.sig").rename(f"{renamed}.sig")
    with pytest.raises(TrustError):
        verify(renamed, trust_store=store)
    assert verify(renamed, trust_store=store, name="fraud.pkl").verification.signers


def test_a_key_that_nobody_trusts_is_untrusted(tmp_path: Path, store: TrustStore) -> None:
    (tmp_path / "m.pkl").write_bytes(DATA)
    sign(tmp_path / "m.pkl", key=SigningKey.generate("mallory"))
    with pytest.raises(UntrustedError):
        verify(tmp_path / "m.pkl", trust_store=store)


def test_the_signature_of_one_key_under_the_name_of_another_is_bad(save: Save, store: TrustStore) -> None:
    path = save(DATA)
    sidecar = Path(f"{path}.sig")
    bundle = json.loads(sidecar.read_bytes())
    signature = bundle["dsseEnvelope"]["signatures"][0]
    signature["sig"] = ("A" if signature["sig"][0] != "A" else "B") + signature["sig"][1:]
    sidecar.write_text(json.dumps(bundle) + "\n")
    with pytest.raises(BadSignatureError):
        verify(path, trust_store=store)


def test_a_revoked_key_is_revoked_and_says_why(tmp_path: Path, alice: SigningKey, save: Save) -> None:
    add_trusted_key(tmp_path / "store", alice.public, name="alice", roles=["signer"])
    path = save(DATA)
    since = datetime.now(UTC) - timedelta(days=1)
    revoke_key(tmp_path / "store", "alice", since=since, reason="her laptop was stolen")
    with pytest.raises(RevokedError) as caught:
        verify(path, trust_store=load_trust_store(tmp_path / "store"))
    assert "stolen" in str(caught.value.fields["reason"])


def test_a_key_outside_of_its_validity_is_expired(tmp_path: Path, alice: SigningKey, save: Save) -> None:
    until = datetime.now(UTC) - timedelta(days=1)
    begin = until - timedelta(days=9)
    folder = tmp_path / "store"
    add_trusted_key(folder, alice.public, name="alice", roles=["signer"], valid_from=begin, valid_until=until)
    with pytest.raises(ExpiredError):
        verify(save(DATA), trust_store=folder)


def test_two_signers_are_two_keys(save: Save, store: TrustStore, alice: SigningKey) -> None:
    path = save(DATA)
    sign(path, key=alice)
    with pytest.raises(ThresholdError):
        verify(path, trust_store=store, threshold=2)


@pytest.mark.parametrize("content", [b"", b"\n", b"{}", b"[]", b'{"a": 1}\n', b"\xff\xfe", b"null\n" * 3])
def test_a_sidecar_that_is_none_is_a_format_error(save: Save, store: TrustStore, content: bytes) -> None:
    path = save(DATA)
    Path(f"{path}.sig").write_bytes(content)
    with pytest.raises(SignatureFormatError):
        verify(path, trust_store=store)


def test_a_trust_store_that_is_none_is_a_usage_error(save: Save, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        verify(save(DATA), trust_store=tmp_path / "nowhere")


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["dsseEnvelope", "payload", "payloadType", "signatures", "sig", "keyid", "mediaType"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=10,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), _JSON.map(lambda value: json.dumps(value).encode())))
def test_any_sidecar_is_refused_by_our_own_errors(save: Save, store: TrustStore, content: bytes) -> None:
    path = save(DATA)
    Path(f"{path}.sig").write_bytes(content)
    with pytest.raises(TrustError) as caught:
        verify(path, trust_store=store)
    assert caught.value.message.isprintable()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 5_000), st.integers(1, 255))
def test_a_sidecar_with_one_changed_byte_never_verifies_other_bytes(
    save: Save, store: TrustStore, where: int, flip: int
) -> None:
    path = save(DATA)
    sidecar = Path(f"{path}.sig")
    data = bytearray(sidecar.read_bytes())
    data[where % len(data)] ^= flip
    sidecar.write_bytes(bytes(data))
    path.write_bytes(b"\x80\x04}.")
    with pytest.raises(SecureloadError):
        verify(path, trust_store=store)
    path.write_bytes(DATA)
    sidecar.write_bytes(bytes(data))
    with contextlib.suppress(SecureloadError):
        assert verify(path, trust_store=store).verification.signers
