"""DSSE v1: what exactly is signed, and the envelope around it.

The signature covers the *pre-authentication encoding* (PAE) of the payload and of its type, so that a payload
can never be read as another type. The lengths in it count bytes, not characters. The payload is kept as the
bytes that came: it is parsed after it was verified, and never encoded again in order to verify it.
Source: https://github.com/secure-systems-lab/dsse, protocol.md.
"""

from __future__ import annotations

import hashlib

from secureload.signing.ed25519 import verify_signature
from secureload.signing.keys import PublicKey, Signer
from secureload.values import dataclass

__all__ = ["IN_TOTO_PAYLOAD_TYPE", "Envelope", "envelope_digest", "pae", "sign_payload", "verify_envelope"]

IN_TOTO_PAYLOAD_TYPE = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload as bytes, its media type, one signature (64 bytes) and the id of the key that made it.

    ``key_id`` is what the envelope claims; nothing but a verified signature makes it true.
    """

    payload: bytes
    payload_type: str
    signature: bytes
    key_id: str


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed: ``DSSEv1 len(type) type len(payload) payload``, lengths in bytes."""
    kind = payload_type.encode("utf-8", "surrogatepass")  # total: what is no text is signed by nobody
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def sign_payload(payload: bytes, signer: Signer, payload_type: str = IN_TOTO_PAYLOAD_TYPE) -> Envelope:
    """Sign ``payload`` and return its :class:`Envelope`."""
    signature = signer.sign(pae(payload_type, payload))
    return Envelope(payload, payload_type, signature, signer.public.key_id)


def verify_envelope(envelope: Envelope, key: PublicKey) -> bool:
    """Return whether ``key`` signed this payload as this type; raises :class:`UsageError` for a weak key."""
    return verify_signature(key.raw, envelope.signature, pae(envelope.payload_type, envelope.payload))


def envelope_digest(envelope: Envelope) -> bytes:
    """Return a SHA-256 (32 bytes) over what was signed and the signature: what a countersignature refers to."""
    signed = hashlib.sha256(pae(envelope.payload_type, envelope.payload)).digest()
    return hashlib.sha256(signed + envelope.signature).digest()
