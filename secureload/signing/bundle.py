"""One signature as JSON: a DSSE envelope in a Sigstore bundle v0.3 that names a public key.

Strict in both directions: one signature, one key id, one spelling of each base64 text. Source: the Sigstore
protobuf specification, ``sigstore_bundle.proto`` and ``envelope.proto``.
"""

from __future__ import annotations

import base64
import binascii

from secureload.errors import SignatureFormatError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.dsse import IN_TOTO_PAYLOAD_TYPE, Envelope
from secureload.signing.ed25519 import SIGNATURE_BYTES
from secureload.signing.strict_json import encode_json, parse_json, take_list, take_object, take_string

__all__ = ["BUNDLE_MEDIA_TYPE", "encode_bundle", "parse_bundle"]

BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_MEDIA_TYPE_FAMILY = "application/vnd.dev.sigstore.bundle"
_KEY_ID_CHARS = 256


def encode_bundle(envelope: Envelope) -> bytes:
    """Encode an envelope as one line of canonical JSON, without a line end."""
    return encode_json(
        {
            "dsseEnvelope": {
                "payload": base64.b64encode(envelope.payload).decode("ascii"),
                "payloadType": envelope.payload_type,
                "signatures": [
                    {
                        "keyid": envelope.key_id,
                        "sig": base64.b64encode(envelope.signature).decode("ascii"),
                    }
                ],
            },
            "mediaType": BUNDLE_MEDIA_TYPE,
            "verificationMaterial": {"publicKey": {"hint": envelope.key_id}},
        }
    )


def parse_bundle(data: bytes, limits: Limits = DEFAULT_LIMITS, *, where: str = "the signature") -> Envelope:
    """Parse one bundle; ``encode_bundle(parse_bundle(x)) == x`` for what :func:`encode_bundle` wrote.

    Raises :class:`SignatureFormatError` for anything else than one Ed25519-sized signature over an in-toto
    payload with a key id that equals the public key's hint. ``where`` begins each message.
    """
    value = parse_json(data, where=where, limits=limits)
    _check_media_type(value, where)
    bundle = take_object(value, where, ("mediaType", "verificationMaterial", "dsseEnvelope"))
    hint = _parse_hint(bundle["verificationMaterial"], where)
    inner = f"{where}: dsseEnvelope"
    dsse = take_object(bundle["dsseEnvelope"], inner, ("payload", "payloadType", "signatures"))
    payload_type = take_string(dsse["payloadType"], f"{inner}: payloadType")
    if payload_type != IN_TOTO_PAYLOAD_TYPE:
        raise _refused(where, f"holds a payload of the unknown type {printable(payload_type, 80)!r}")
    signatures = take_list(dsse["signatures"], f"{inner}: signatures")
    if len(signatures) != 1:
        raise _refused(where, f"holds {len(signatures):,} signatures in one envelope instead of one")
    signature = take_object(signatures[0], f"{inner}: signature", ("sig", "keyid"))
    key_id = take_string(signature["keyid"], f"{inner}: keyid")
    if key_id != hint:
        raise _refused(where, "names two different keys")
    raw = _decode(signature["sig"], f"{inner}: sig")
    if len(raw) != SIGNATURE_BYTES:
        raise _refused(
            where, f"holds a signature of {len(raw):,} bytes; one of Ed25519 has {SIGNATURE_BYTES}"
        )
    return Envelope(_decode(dsse["payload"], f"{inner}: payload"), payload_type, raw, key_id)


def _check_media_type(value: object, where: str) -> None:
    if not isinstance(value, dict) or "mediaType" not in value:
        raise _refused(where, "is JSON, but not a Sigstore bundle: it has no 'mediaType'")
    media_type = take_string(value["mediaType"], f"{where}: mediaType")
    if media_type == BUNDLE_MEDIA_TYPE:
        return
    known = "another version of Sigstore bundle" if media_type.startswith(_MEDIA_TYPE_FAMILY) else "unknown"
    raise _refused(where, f"has the media type {printable(media_type, 80)!r} ({known})")


def _parse_hint(value: object, where: str) -> str:
    inner = f"{where}: verificationMaterial"
    if isinstance(value, dict) and "publicKey" not in value and ("certificate" in value or len(value) > 1):
        raise _refused(where, "is verified by a certificate; only public keys are supported")
    material = take_object(value, inner, ("publicKey",))
    hint = take_string(take_object(material["publicKey"], f"{inner}: publicKey", ("hint",))["hint"], inner)
    if not hint or len(hint) > _KEY_ID_CHARS or not hint.isprintable():
        raise _refused(
            where, f"has the key id {printable(hint, 60)!r}, which is empty, too long or not printable"
        )
    return hint


def _decode(value: object, where: str) -> bytes:
    text = take_string(value, where)
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise _refused(where, "is not base64") from None
    if base64.b64encode(raw).decode("ascii") != text:
        raise _refused(where, "is not in the one canonical spelling of base64")
    return raw


def _refused(where: str, what: str) -> SignatureFormatError:
    return SignatureFormatError(
        f"{where} {what}", hint="Ask the sender for a new signature, made with 'secureload sign'."
    )
