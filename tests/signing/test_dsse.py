from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from secureload.signing.dsse import IN_TOTO_PAYLOAD_TYPE, Envelope, pae, sign_payload, verify_envelope
from secureload.signing.keys import PublicKey, SigningKey

KEY = SigningKey.generate()


def test_the_pre_authentication_encoding_is_the_one_of_the_specification() -> None:
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_the_lengths_count_bytes_and_not_characters() -> None:
    assert pae("é", "日本".encode()) == b"DSSEv1 2 \xc3\xa9 6 " + "日本".encode()


def test_payload_and_type_cannot_be_shifted_into_each_other() -> None:
    assert pae("a", b"b 1 c") != pae("a b", b"1 c")
    assert pae("", b"") == b"DSSEv1 0  0 "


def test_openssl_verifies_our_signature_over_the_encoded_bytes(tmp_path: Path) -> None:
    payload = '{"what":"a model, é"}'.encode()
    envelope = sign_payload(payload, KEY)
    # SubjectPublicKeyInfo of Ed25519 (RFC 8410, section 4): a fixed prefix and the raw key.
    spki = bytes.fromhex("302a300506032b6570032100") + KEY.public.raw
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(spki) + b"-----END PUBLIC KEY-----\n"
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "signature").write_bytes(envelope.signature)
    text = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "text"]
    command += ["-sigfile", "signature"]
    for message, expected in ((text, 0), (text + b" ", 1)):
        (tmp_path / "text").write_bytes(message)
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=30)
        assert done.returncode == expected, done
    assert IN_TOTO_PAYLOAD_TYPE == "application/vnd.in-toto+json"


@pytest.mark.parametrize("change", ["payload", "type", "signature", "key"])
def test_an_envelope_does_not_verify_once_anything_in_it_is_changed(change: str) -> None:
    envelope = sign_payload(b"{}", KEY)
    assert verify_envelope(envelope, KEY.public)
    assert envelope.key_id == KEY.public.key_id
    key: PublicKey = SigningKey.generate().public if change == "key" else KEY.public
    changed = Envelope(
        b"{ }" if change == "payload" else envelope.payload,
        "text/plain" if change == "type" else envelope.payload_type,
        bytes(64) if change == "signature" else envelope.signature,
        envelope.key_id,
    )
    assert not verify_envelope(changed, key)
