"""OMS signatures: verified against the bytes that are there, whoever made them, and exported from our own."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from secureload.api.oms import export_oms, verify_oms
from secureload.api.sign import sign
from secureload.errors import (
    BadSignatureError,
    ExpiredError,
    ManifestMismatchError,
    SignatureFormatError,
    UnsignedError,
    UntrustedError,
    UsageError,
)
from secureload.signing.dsse import IN_TOTO_PAYLOAD_TYPE, pae
from secureload.signing.ecdsa import EcdsaSigner
from secureload.signing.keys import SigningKey
from secureload.signing.oms import OmsBundle, encode_oms_bundle
from tests.signing.issued import Authority
from tests.signing.test_oms import encoded, statement

KEY = EcdsaSigner.generate()
SHARD = 1_000
_DER = Encoding.DER


@pytest.fixture(autouse=True)
def own_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What versions were seen is remembered per user."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "model"
    (root / "sub").mkdir(parents=True)
    (root / "a.bin").write_bytes(b"a" * 2_500)
    (root / "sub" / "b.bin").write_bytes(b"b" * 1_000)
    return root


def digests(folder: Path, *, shards: bool = False) -> list[tuple[str, bytes]]:
    found = []
    for name in ("a.bin", "sub/b.bin"):
        data = (folder / name).read_bytes()
        pieces = [
            (f"{name}:{at}:{min(at + SHARD, len(data))}", data[at : at + SHARD])
            for at in range(0, len(data), SHARD)
        ]
        for label, piece in pieces if shards else [(name, data)]:
            found.append((label, hashlib.sha256(piece).digest()))
    return found


def write_signature(path: Path, value: dict[str, Any], signer: EcdsaSigner = KEY, hint: str = "") -> None:
    payload = encoded(value)
    signature = signer.sign(pae(IN_TOTO_PAYLOAD_TYPE, payload))
    path.write_bytes(encode_oms_bundle(OmsBundle(payload, signature, hint or signer.public.hint)))


@pytest.fixture(params=[False, True], ids=["files", "shards"])
def signed(folder: Path, request: pytest.FixtureRequest) -> Path:
    shards: bool = request.param
    value = statement(digests(folder, shards=shards), **({"shard": SHARD} if shards else {}))
    write_signature(folder / "model.sig", value)
    return folder


def test_a_folder_is_verified(signed: Path) -> None:
    verified = verify_oms(signed, public_key=KEY.public)
    assert verified.name == "model"
    assert verified.signer == KEY.public.hint
    assert [member.name for member in verified.manifest.members] == ["a.bin", "sub/b.bin"]


def test_a_changed_byte_is_noticed(signed: Path) -> None:
    (signed / "a.bin").write_bytes(b"a" * 2_499 + b"x")
    with pytest.raises(ManifestMismatchError) as caught:
        verify_oms(signed, public_key=KEY.public)
    assert caught.value.fields["changed"] == ("a.bin",)


@pytest.mark.parametrize("size", [0, 2_000, 2_501])
def test_a_file_of_another_length_is_noticed(signed: Path, size: int) -> None:
    (signed / "a.bin").write_bytes(b"a" * size)
    with pytest.raises(ManifestMismatchError):
        verify_oms(signed, public_key=KEY.public)


def test_an_added_empty_file_is_noticed_also_where_shards_would_pass_it_over(signed: Path) -> None:
    (signed / "new").touch()
    with pytest.raises(ManifestMismatchError) as caught:
        verify_oms(signed, public_key=KEY.public)
    assert caught.value.fields["added"] == ("new",)


def test_a_missing_file_is_noticed(signed: Path) -> None:
    (signed / "sub" / "b.bin").unlink()
    with pytest.raises(ManifestMismatchError) as caught:
        verify_oms(signed, public_key=KEY.public)
    assert caught.value.fields["missing"] == ("sub/b.bin",)


def test_what_the_signer_left_out_is_told(signed: Path) -> None:
    (signed / ".git").mkdir()
    (signed / ".git" / "hooks").write_text("not signed")
    assert ".git" in verify_oms(signed, public_key=KEY.public).ignored


def test_a_signature_by_another_key_or_about_another_payload_is_refused(folder: Path) -> None:
    write_signature(folder / "model.sig", statement(digests(folder)))
    other = EcdsaSigner.generate()
    with pytest.raises(UntrustedError, match="not by this one"):
        verify_oms(folder, public_key=other.public)
    write_signature(folder / "model.sig", statement(digests(folder)), other, KEY.public.hint)
    with pytest.raises(BadSignatureError):
        verify_oms(folder, public_key=KEY.public)
    value = json.loads((folder / "model.sig").read_bytes())
    value["dsseEnvelope"]["payload"] = base64.b64encode(encoded(statement())).decode()
    (folder / "model.sig").write_bytes(encoded(value))
    with pytest.raises(BadSignatureError):
        verify_oms(folder, public_key=KEY.public)


def test_no_signature_and_one_that_is_none_are_told_apart(folder: Path) -> None:
    with pytest.raises(UnsignedError):
        verify_oms(folder, public_key=KEY.public)
    (folder / "model.sig").write_bytes(b"{}")
    with pytest.raises(SignatureFormatError):
        verify_oms(folder, public_key=KEY.public)


def test_a_key_beside_the_model_is_not_enough_to_ask_with(folder: Path) -> None:
    write_signature(folder / "model.sig", statement(digests(folder)))
    with pytest.raises(UsageError, match="one of the two"):
        verify_oms(folder)


def test_a_signature_about_a_file_is_none_about_a_folder(folder: Path, tmp_path: Path) -> None:
    write_signature(folder / "model.sig", statement([(".", bytes(32))]))
    with pytest.raises(ManifestMismatchError, match="a single file"):
        verify_oms(folder, public_key=KEY.public)


def test_a_certificate_is_verified_up_to_a_root_that_was_given(folder: Path, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    root = Authority.root("root", now)
    leaf = root.issue("signer")
    payload = encoded(statement(digests(folder)))
    bundle = OmsBundle(
        payload,
        leaf.signer.sign(pae(IN_TOTO_PAYLOAD_TYPE, payload)),
        certificates=(leaf.certificate.public_bytes(_DER),),
    )
    (folder / "model.sig").write_bytes(encode_oms_bundle(bundle))
    (tmp_path / "root.pem").write_bytes(root.pem())
    assert verify_oms(folder, roots=tmp_path / "root.pem").signer == "CN=signer"
    with pytest.raises(UntrustedError):
        verify_oms(folder, roots=[Authority.root("root", now).certificate])
    with pytest.raises(UntrustedError, match="by a certificate"):
        verify_oms(folder, public_key=leaf.signer.public)


def test_an_expired_certificate_is_refused(folder: Path) -> None:
    root = Authority.root("root", datetime(2020, 1, 1, tzinfo=UTC))
    leaf = root.issue("signer")
    payload = encoded(statement(digests(folder)))
    bundle = OmsBundle(
        payload,
        leaf.signer.sign(pae(IN_TOTO_PAYLOAD_TYPE, payload)),
        certificates=(leaf.certificate.public_bytes(_DER),),
    )
    (folder / "model.sig").write_bytes(encode_oms_bundle(bundle))
    with pytest.raises(ExpiredError):
        verify_oms(folder, roots=[root.certificate])


def test_what_is_exported_carries_the_signed_words_and_verifies(
    folder: Path, alice: SigningKey, alices_trust_store: Path
) -> None:
    sign(folder, key=alice, name="credit", version="1.4")
    exported = export_oms(folder, key=KEY, trust_store=alices_trust_store)
    assert exported.written == folder.parent / "model.oms.sig"
    assert stat.S_IMODE(exported.written.stat().st_mode) == 0o644
    assert verify_oms(folder, public_key=KEY.public, signature=exported.written).name == "credit"
    with pytest.raises(UsageError, match="exists already"):
        export_oms(folder, key=KEY, trust_store=alices_trust_store)
    export_oms(folder, key=KEY, trust_store=alices_trust_store, force=True)


def test_what_nobody_trusted_signed_is_not_exported(folder: Path, alices_trust_store: Path) -> None:
    with pytest.raises(UnsignedError):
        export_oms(folder, key=KEY, trust_store=alices_trust_store)
    sign(folder, key=SigningKey.generate("mallory"), name="credit")
    with pytest.raises(UntrustedError):
        export_oms(folder, key=KEY, trust_store=alices_trust_store)


def test_a_certificate_of_another_key_is_not_exported(
    folder: Path, tmp_path: Path, alice: SigningKey, alices_trust_store: Path
) -> None:
    sign(folder, key=alice, name="credit")
    other = Authority.root("root", datetime.now(UTC)).issue("other")
    (tmp_path / "leaf.pem").write_bytes(other.pem())
    with pytest.raises(UsageError, match="another key"):
        export_oms(folder, key=KEY, certificate=tmp_path / "leaf.pem", trust_store=alices_trust_store)
    with pytest.raises(UsageError, match="needs the certificate"):
        export_oms(folder, key=KEY, chain=tmp_path / "leaf.pem", trust_store=alices_trust_store)
