"""Attacks on the signature file: its JSON, its encodings, its numbers, its size."""

from __future__ import annotations

import base64
import json
import tracemalloc
from typing import Any

import pytest

from secureload.errors import (
    BadSignatureError,
    ManifestMismatchError,
    SignatureFormatError,
    TrustError,
    UnsignedError,
    UntrustedError,
    UsageError,
)
from secureload.limits import Limits
from secureload.signing.bundle import encode_bundle
from secureload.signing.dsse import Envelope, pae, sign_payload
from secureload.signing.ed25519 import verify_signature, weakness
from secureload.signing.keys import PublicKey
from secureload.signing.predicates.approval import TYPE as APPROVAL
from secureload.signing.statement import parse_statement

from .parties import Parties

L = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19


def bundle(parties: Parties, path: Any) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(parties.sidecar(path).read_text())
    return value


def write(parties: Parties, path: Any, value: object) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    parties.sidecar(path).write_text(text + "\n")


@pytest.mark.parametrize("level", ["bundle", "envelope", "signature", "material"])
def test_duplicate_json_keys_around_the_payload(parties: Parties, level: str) -> None:
    path = parties.file()
    text = parties.sidecar(path).read_text().rstrip()
    inner = {
        "bundle": ('"mediaType"', '"mediaType":"x","mediaType"'),
        "envelope": ('"payloadType"', '"payloadType":"x","payloadType"'),
        "signature": ('"sig"', '"sig":"AAAA","sig"'),
        "material": ('"hint"', '"hint":"x","hint"'),
    }[level]
    write(parties, path, text.replace(*inner))
    with pytest.raises(SignatureFormatError, match="twice"):
        parties.verify(path)


@pytest.mark.parametrize(
    "field", ['"_type"', '"name"', '"digest"', '"size"', '"method"', '"created"', '"sha256"']
)
def test_duplicate_json_keys_inside_the_signed_payload(parties: Parties, field: str) -> None:
    path = parties.file()

    def change(statement: dict[str, object]) -> bytes:
        text = json.dumps(statement)
        assert f"{field}: " in text
        return text.replace(f"{field}: ", f"{field}: 1, {field}: ", 1).encode()

    parties.resigned(path, change)
    with pytest.raises(SignatureFormatError, match="twice"):
        parties.verify(path)


@pytest.mark.parametrize(
    "where", [(), ("dsseEnvelope",), ("verificationMaterial",), ("dsseEnvelope", "signatures", 0)]
)
def test_unknown_fields_outside_the_payload(parties: Parties, where: tuple[Any, ...]) -> None:
    path = parties.file()
    value = bundle(parties, path)
    inner: Any = value
    for key in where:
        inner = inner[key]
    inner["note"] = "unsigned"
    write(parties, path, value)
    with pytest.raises(SignatureFormatError):
        parties.verify(path)


def test_several_signatures_in_one_envelope(parties: Parties) -> None:
    path = parties.file()
    value = bundle(parties, path)
    value["dsseEnvelope"]["signatures"] *= 2
    write(parties, path, value)
    with pytest.raises(SignatureFormatError, match="2 signatures in one envelope"):
        parties.verify(path)


def test_the_signature_stripped_from_the_envelope_and_the_file_from_the_model(parties: Parties) -> None:
    path = parties.file()
    value = bundle(parties, path)
    value["dsseEnvelope"]["signatures"] = []
    write(parties, path, value)
    with pytest.raises(SignatureFormatError):
        parties.verify(path)
    write(parties, path, "")
    with pytest.raises(SignatureFormatError):
        parties.verify(path)
    parties.sidecar(path).unlink()
    with pytest.raises(UnsignedError):
        parties.verify(path)


def test_the_signature_of_another_file_replayed(parties: Parties) -> None:
    path, other = parties.file(), parties.file(b"other", "other.bin")
    parties.replace(path, *parties.envelopes(other))
    with pytest.raises(ManifestMismatchError):
        parties.verify(path)


def test_a_statement_of_one_type_passed_off_as_another(parties: Parties) -> None:
    path = parties.file()

    def as_approval(statement: dict[str, object]) -> None:
        statement["predicateType"] = APPROVAL

    parties.resigned(path, as_approval)
    with pytest.raises(UnsignedError):
        parties.verify(path)
    path = parties.file(b"again", "again.bin")

    def as_unknown(statement: dict[str, object]) -> None:
        statement["predicateType"] = "https://example.org/other"

    parties.resigned(path, as_unknown)
    with pytest.raises(SignatureFormatError):
        parties.verify(path)


def test_a_signature_over_the_same_bytes_as_another_media_type(parties: Parties) -> None:
    path = parties.file()
    payload = parties.envelopes(path)[0].payload
    other = sign_payload(payload, parties.alice, "text/plain")
    parties.replace(path, Envelope(payload, "application/vnd.in-toto+json", other.signature, other.key_id))
    with pytest.raises(BadSignatureError):
        parties.verify(path)


def test_the_encoding_that_is_signed_counts_bytes_where_types_have_multibyte_characters() -> None:
    assert pae("\u00e9", b"\xc3\xa9") == b"DSSEv1 2 \xc3\xa9 2 \xc3\xa9"
    # Counted in characters these two would be one text.
    assert pae("\u00e9", b"a") != pae("\u00e9 1", b"")
    assert len({pae("a 1 b", b""), pae("a", b"b"), pae("a", b"1 b")}) == 3


@pytest.mark.parametrize(
    "variant",
    [
        lambda text: text.rstrip("="),
        lambda text: text + "=",
        lambda text: f"{text[:8]}\n{text[8:]}",
        lambda text: text.replace("+", "-").replace("/", "_") + "-",
        lambda text: f" {text}",
        lambda text: text[:-3] + chr(ord(text[-3]) + 1) + "==" if text.endswith("==") else f"{text}A===",
    ],
    ids=["no-padding", "more-padding", "line-break", "url-safe", "blank", "stray-bits"],
)
def test_another_spelling_of_the_same_base64(parties: Parties, variant: Any) -> None:
    path = parties.file()
    value = bundle(parties, path)
    signature = value["dsseEnvelope"]["signatures"][0]
    signature["sig"] = variant(signature["sig"])
    write(parties, path, value)
    with pytest.raises(SignatureFormatError):
        parties.verify(path)


def test_the_same_signature_once_more_as_s_plus_l(parties: Parties) -> None:
    path = parties.file()
    (envelope,) = parties.envelopes(path)
    s = int.from_bytes(envelope.signature[32:], "little") + L
    again = envelope.signature[:32] + s.to_bytes(32, "little")
    assert not verify_signature(parties.alice.public.raw, again, pae(envelope.payload_type, envelope.payload))
    parties.replace(path, Envelope(envelope.payload, envelope.payload_type, again, envelope.key_id))
    with pytest.raises(BadSignatureError):
        parties.verify(path)


_Y8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL = [(y | sign << 255).to_bytes(32, "little") for y in (0, 1, P - 1, _Y8, P - _Y8) for sign in (0, 1)]
_NOT_CANONICAL = [(P + y).to_bytes(32, "little") for y in range(19)]


@pytest.mark.parametrize(
    "point", _SMALL + _NOT_CANONICAL, ids=lambda point: point.hex()[:8] + point.hex()[-4:]
)
def test_a_small_order_or_non_canonical_point_as_key_and_as_r(parties: Parties, point: bytes) -> None:
    assert weakness(point)
    with pytest.raises(UsageError):
        PublicKey(point)
    path = parties.file()
    (envelope,) = parties.envelopes(path)
    message = pae(envelope.payload_type, envelope.payload)
    with pytest.raises(UsageError):
        verify_signature(point, point + bytes(32), message)
    # As R, with S = 0 and with the true S: never a signature of an honest key.
    for s in (bytes(32), envelope.signature[32:]):
        assert not verify_signature(parties.alice.public.raw, point + s, message)


def test_a_signature_that_names_a_trusted_key_and_is_by_another(parties: Parties) -> None:
    path = parties.file()
    (envelope,) = parties.envelopes(path)
    forged = sign_payload(envelope.payload, parties.mallory)
    parties.replace(
        path, Envelope(envelope.payload, envelope.payload_type, forged.signature, envelope.key_id)
    )
    with pytest.raises(BadSignatureError):
        parties.verify(path)
    parties.replace(path, forged)
    with pytest.raises(UntrustedError):
        parties.verify(path)


def test_a_gigabyte_of_signature_file_is_not_read(parties: Parties) -> None:
    path = parties.file()
    with parties.sidecar(path).open("r+b") as file:
        file.truncate(1 << 30)
    with pytest.raises(SignatureFormatError, match="larger than"):
        parties.verify(path)


def test_millions_of_resources_end_in_a_named_limit(parties: Parties) -> None:
    path = parties.file()
    payload = json.loads(parties.envelopes(path)[0].payload)
    payload["predicate"]["resources"] *= 11
    with pytest.raises(SignatureFormatError) as caught:
        parse_statement(json.dumps(payload).encode(), Limits(folder_members=10))
    assert caught.value.fields["limit"] == "folder_members"
    # What ten million take does not fit into a signature file at all.
    assert Limits().sidecar_bytes < 10_000_000 * 100


def test_ten_million_tiny_resources_that_do_fit_into_a_signature_file_are_counted_and_not_made(
    parties: Parties,
) -> None:
    path = parties.file()
    head, tail = parties.envelopes(path)[0].payload.split(b'"resources":[')
    payload = head + b'"resources":[' + b"{}," * 10_000_000 + tail
    parties.replace(path, sign_payload(payload, parties.alice))
    assert parties.sidecar(path).stat().st_size < Limits().sidecar_bytes
    tracemalloc.start()
    try:
        with pytest.raises(SignatureFormatError, match="more than 2,000,000 values in its JSON"):
            parties.verify(path)
        assert tracemalloc.get_traced_memory()[1] < 5 * Limits().sidecar_bytes, "some copies of the text"
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("many", ["{}", "[]", "0", '"a":{}'])
def test_millions_of_tiny_values_around_the_payload_are_counted_and_not_made(
    parties: Parties, many: str
) -> None:
    path = parties.file()
    kind = "{}" if ":" in many else "[]"
    inner = ",".join([many] * 1_000_000)
    write(parties, path, f'{{"mediaType":{kind[0]}{inner}{kind[1]}}}')
    with pytest.raises(SignatureFormatError) as caught:
        parties.verify(path)
    assert caught.value.fields["limit"] == "bundle_items"


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"mediaType":['])
def test_json_nested_without_end(parties: Parties, opening: str) -> None:
    path = parties.file()
    write(parties, path, opening * 100_000)
    with pytest.raises(SignatureFormatError):
        parties.verify(path)
    envelope = sign_payload((opening * 100_000).encode(), parties.alice)
    parties.sidecar(path).write_bytes(encode_bundle(envelope) + b"\n")
    with pytest.raises(SignatureFormatError):
        parties.verify(path)


def test_a_payload_that_is_signed_and_is_not_the_one_that_is_shown(parties: Parties) -> None:
    path = parties.file()
    value = bundle(parties, path)
    payload = json.loads(base64.b64decode(value["dsseEnvelope"]["payload"]))
    payload["subject"][0]["annotations"]["version"] = "9"
    value["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    write(parties, path, value)
    with pytest.raises(TrustError):
        parties.verify(path)
