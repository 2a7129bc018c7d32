"""One signature as JSON: a DSSE envelope in a Sigstore bundle v0.3 that names a public key of Ed25519."""

from __future__ import annotations

from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.bundle_parts import BundleParts, encode_parts, parse_parts, refused
from secureload.signing.dsse import IN_TOTO_PAYLOAD_TYPE, Envelope
from secureload.signing.ed25519 import SIGNATURE_BYTES
from secureload.signing.strict_json import take_object, take_string

__all__ = ["encode_bundle", "parse_bundle"]

_KEY_ID_CHARS = 256


def encode_bundle(envelope: Envelope) -> bytes:
    """Encode an envelope of an in-toto statement as one line of canonical JSON, without a line end."""
    material = {"publicKey": {"hint": envelope.key_id}}
    return encode_parts(BundleParts(envelope.payload, envelope.signature, envelope.key_id, material))


def parse_bundle(data: bytes, limits: Limits = DEFAULT_LIMITS, *, where: str = "the signature") -> Envelope:
    """Parse one bundle; ``encode_bundle(parse_bundle(x)) == x`` for what :func:`encode_bundle` wrote.

    Raises :class:`SignatureFormatError` for anything else than one Ed25519-sized signature over an in-toto
    payload with a key id that equals the public key's hint. ``where`` begins each message.
    """
    parts = parse_parts(data, limits, where=where)
    hint = _parse_hint(parts.material, where)
    if parts.key_id is None:
        raise refused(f"{where}: dsseEnvelope: signature", "has no 'keyid'", field="keyid")
    if parts.key_id != hint:
        raise refused(where, "names two different keys")
    size = len(parts.signature)
    if size != SIGNATURE_BYTES:
        raise refused(where, f"holds a signature of {size:,} bytes; one of Ed25519 has {SIGNATURE_BYTES}")
    return Envelope(parts.payload, IN_TOTO_PAYLOAD_TYPE, parts.signature, hint)


def _parse_hint(value: object, where: str) -> str:
    inner = f"{where}: verificationMaterial"
    if isinstance(value, dict) and "publicKey" not in value and ("certificate" in value or len(value) > 1):
        raise refused(where, "is verified by a certificate; only public keys are supported")
    material = take_object(value, inner, ("publicKey",))
    hint = take_string(take_object(material["publicKey"], f"{inner}: publicKey", ("hint",))["hint"], inner)
    if not hint or len(hint) > _KEY_ID_CHARS or not hint.isprintable():
        raise refused(
            where, f"has the key id {printable(hint, 60)!r}, which is empty, too long or not printable"
        )
    return hint
