"""A Sigstore bundle v0.3 around a DSSE envelope: what bundles of our own and those of other signers share.

Strict in both directions: known fields alone, one signature, one spelling of each base64 text, and no more JSON values
than a bundle has. Source: the Sigstore protobuf specification, ``sigstore_bundle.proto`` and ``envelope.proto``.
"""

from __future__ import annotations

import base64
import binascii

from secureload.errors import SignatureFormatError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.dsse import IN_TOTO_PAYLOAD_TYPE
from secureload.signing.strict_json import encode_json, parse_json, take_list, take_object, take_string
from secureload.values import dataclass

__all__ = [
    "BUNDLE_MEDIA_TYPE",
    "BundleParts",
    "decode_base64",
    "encode_base64",
    "encode_parts",
    "parse_parts",
    "refused",
]

BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_MEDIA_TYPE_FAMILY = "application/vnd.dev.sigstore.bundle"


@dataclass(frozen=True, slots=True)
class BundleParts:
    """The payload and the signature as bytes, what the envelope calls its key, and the rest, which is yet to be read.

    ``key_id`` is None where the envelope names none.
    """

    payload: bytes
    signature: bytes
    key_id: str | None
    material: object


def parse_parts(data: bytes, limits: Limits = DEFAULT_LIMITS, *, where: str) -> BundleParts:
    """Parse a bundle up to its verification material. Raises :class:`SignatureFormatError`."""
    value = parse_json(data, where=where, limits=limits, most_items=limits.bundle_items)
    _check_media_type(value, where)
    bundle = take_object(value, where, ("mediaType", "verificationMaterial", "dsseEnvelope"))
    inner = f"{where}: dsseEnvelope"
    dsse = take_object(bundle["dsseEnvelope"], inner, ("payload", "payloadType", "signatures"))
    payload_type = take_string(dsse["payloadType"], f"{inner}: payloadType")
    if payload_type != IN_TOTO_PAYLOAD_TYPE:
        raise refused(where, f"holds a payload of the unknown type {printable(payload_type, 80)!r}")
    signatures = take_list(dsse["signatures"], f"{inner}: signatures")
    if len(signatures) != 1:
        raise refused(where, f"holds {len(signatures):,} signatures in one envelope instead of one")
    signature = take_object(signatures[0], f"{inner}: signature", ("sig",), ("keyid",))
    key_id = take_string(signature["keyid"], f"{inner}: keyid") if "keyid" in signature else None
    return BundleParts(
        payload=decode_base64(dsse["payload"], f"{inner}: payload"),
        signature=decode_base64(signature["sig"], f"{inner}: sig"),
        key_id=key_id,
        material=bundle["verificationMaterial"],
    )


def encode_parts(parts: BundleParts) -> bytes:
    """Encode a bundle as one line of canonical JSON, without a line end."""
    signature = {"sig": encode_base64(parts.signature)}
    if parts.key_id is not None:
        signature["keyid"] = parts.key_id
    return encode_json(
        {
            "dsseEnvelope": {
                "payload": encode_base64(parts.payload),
                "payloadType": IN_TOTO_PAYLOAD_TYPE,
                "signatures": [signature],
            },
            "mediaType": BUNDLE_MEDIA_TYPE,
            "verificationMaterial": parts.material,
        }
    )


def encode_base64(data: bytes) -> str:
    """Return the one spelling of ``data`` in base64 (RFC 4648, section 4)."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(value: object, where: str) -> bytes:
    """Return the bytes of a text in base64. Raises :class:`SignatureFormatError` for every other spelling of them."""
    text = take_string(value, where)
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise refused(where, "is not base64") from None
    if encode_base64(raw) != text:
        raise refused(where, "is not in the one canonical spelling of base64")
    return raw


def refused(where: str, what: str, **fields: object) -> SignatureFormatError:
    """Return the error about a bundle."""
    return SignatureFormatError(
        f"{where} {what}",
        hint="Ask the sender for a new signature, made with 'secureload sign'.",
        **fields,
    )


def _check_media_type(value: object, where: str) -> None:
    if not isinstance(value, dict) or "mediaType" not in value:
        raise refused(where, "is JSON, but not a Sigstore bundle: it has no 'mediaType'")
    media_type = take_string(value["mediaType"], f"{where}: mediaType")
    if media_type == BUNDLE_MEDIA_TYPE:
        return
    known = "another version of Sigstore bundle" if media_type.startswith(_MEDIA_TYPE_FAMILY) else "unknown"
    raise refused(where, f"has the media type {printable(media_type, 80)!r} ({known})")
