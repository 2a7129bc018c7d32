from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import SignatureFormatError
from secureload.signing.bundle import encode_bundle, parse_bundle
from secureload.signing.dsse import IN_TOTO_PAYLOAD_TYPE, Envelope, sign_payload
from secureload.signing.keys import SigningKey

KEY = SigningKey.generate()
ENVELOPE = sign_payload(b'{"some":"payload"}', KEY)


def refusal(value: object) -> str:
    with pytest.raises(SignatureFormatError) as caught:
        parse_bundle(json.dumps(value).encode())
    assert caught.value.message.isprintable()
    assert caught.value.hint
    return caught.value.message


def test_the_bundle_is_a_sigstore_bundle_v0_3_with_a_public_key_hint() -> None:
    assert json.loads(encode_bundle(ENVELOPE)) == {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": KEY.public.key_id}},
        "dsseEnvelope": {
            "payload": base64.b64encode(ENVELOPE.payload).decode(),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [
                {"sig": base64.b64encode(ENVELOPE.signature).decode(), "keyid": KEY.public.key_id}
            ],
        },
    }
    assert b"\n" not in encode_bundle(ENVELOPE)


@settings(deadline=None, max_examples=80)
@given(
    st.binary(max_size=100), st.binary(min_size=64, max_size=64), st.text("abc:/+=é", min_size=1, max_size=20)
)
def test_what_is_written_parses_to_the_same_envelope_and_encodes_to_the_same_bytes(
    payload: bytes, signature: bytes, key_id: str
) -> None:
    envelope = Envelope(payload, IN_TOTO_PAYLOAD_TYPE, signature, key_id)
    data = encode_bundle(envelope)
    assert parse_bundle(data) == envelope
    assert encode_bundle(parse_bundle(data)) == data


def test_payload_bytes_are_kept_as_they_came_and_not_parsed() -> None:
    odd = sign_payload(b'{ "b" : 1, "a":1 }\xff', KEY)
    assert parse_bundle(encode_bundle(odd)).payload == odd.payload


OTHER = base64.b64encode(bytes(64)).decode()


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("mediaType", "application/vnd.dev.sigstore.bundle+json;version=0.1", "another version"),
        ("mediaType", "text/plain", "(unknown)"),
        ("mediaType", 3, "not a string"),
        ("extra", 1, "unknown field 'extra'"),
        ("verificationMaterial", {"certificate": {"rawBytes": ""}}, "certificate"),
        ("verificationMaterial", {"x509CertificateChain": {}, "tlogEntries": []}, "certificate"),
        ("verificationMaterial", {}, "has no 'publicKey'"),
        ("verificationMaterial", [], "not an object"),
        ("verificationMaterial.publicKey.hint", "SHA256:other", "two different keys"),
        ("verificationMaterial.publicKey.hint", "", "empty, too long or not printable"),
        ("verificationMaterial.publicKey.hint", "\x1b[2J", "empty, too long or not printable"),
        ("dsseEnvelope.payloadType", "application/vnd.in-toto+JSON", "unknown type"),
        ("dsseEnvelope.payload", "e30", "not base64"),
        ("dsseEnvelope.payload", "e31=", "canonical spelling"),
        ("dsseEnvelope.payload", "e3\n0=", "not base64"),
        ("dsseEnvelope.payload", "_-==", "not base64"),
        ("dsseEnvelope.payload", "é", "not base64"),
        ("dsseEnvelope.signatures", [], "0 signatures"),
        ("dsseEnvelope.signatures", [{"sig": OTHER, "keyid": "a"}] * 2, "2 signatures"),
        ("dsseEnvelope.signatures.0.sig", "e30=", "2 bytes"),
        ("dsseEnvelope.signatures.0.keyid", None, "is null"),
        ("dsseEnvelope.signatures.0.extra", 1, "unknown field"),
    ],
)
def test_a_bundle_that_breaks_a_rule_is_refused_with_its_own_words(
    path: str, value: object, reason: str
) -> None:
    changed: dict[str, Any] = json.loads(encode_bundle(ENVELOPE))
    *parents, last = path.split(".")
    place: Any = changed
    for part in parents:
        place = place[int(part)] if part.isdigit() else place[part]
    place[last] = value
    assert reason in refusal(changed)


@pytest.mark.parametrize(
    "old", [b'"mediaType":', b'"hint":', b'"keyid":', b'"sig":', b'"payload":', b'"payloadType":']
)
def test_a_key_that_stands_twice_is_refused_at_every_level(old: bytes) -> None:
    with pytest.raises(SignatureFormatError, match="twice"):
        parse_bundle(encode_bundle(ENVELOPE).replace(old, old + b'"x",' + old, 1))


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, {"payload": 1}])
def test_json_that_is_no_bundle_says_so(value: object) -> None:
    assert "not a Sigstore bundle" in refusal(value)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_damage_gives_another_envelope_or_a_signature_format_error(data: st.DataObject) -> None:
    whole = bytearray(encode_bundle(ENVELOPE))
    start = data.draw(st.integers(0, len(whole)))
    whole[start : start + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=10))
    for candidate in (bytes(whole), data.draw(st.binary(max_size=50))):
        try:
            parse_bundle(candidate)
        except SignatureFormatError as error:
            assert error.message.startswith("the signature")
