"""ECDSA keys on the NIST curves (FIPS 186-5), for signatures that other model signers make and read.

secureload's own signatures are Ed25519. Sigstore's model signer knows only these curves, so its signatures are
verified with them, and exports for its users are made with them. The hash goes with the curve: SHA-256 with
P-256, SHA-384 with P-384, SHA-512 with P-521.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from secureload.errors import UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.signing.private_format import describe_private_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

__all__ = ["EcdsaKey", "EcdsaSigner", "parse_ecdsa_key"]

_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_NAMES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


@dataclass(frozen=True, slots=True)
class EcdsaKey:
    """A public key on P-256, P-384 or P-521. Keys are compared by their encoded point.

    Raises :class:`UsageError` for another curve.
    """

    point: EllipticCurvePublicKey = field(repr=False)

    def __post_init__(self) -> None:
        if self.point.curve.name not in _CURVES:
            raise _not_a_key(f"is on the curve {self.point.curve.name!r}, not on P-256, P-384 or P-521")

    @property
    def curve(self) -> str:
        """The curve's name: ``P-256``, ``P-384`` or ``P-521``."""
        return _NAMES[self.point.curve.name]

    @property
    def pem(self) -> bytes:
        """The key as PEM (SubjectPublicKeyInfo, RFC 5280)."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self.point.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def hint(self) -> str:
        """What a bundle names the key by: the SHA-256 of its PEM text, 64 hexadecimal digits.

        Nobody specifies it; it is what OpenSSF's model signer writes and compares.
        """
        return hashlib.sha256(self.pem).hexdigest()

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Return whether ``signature`` (DER, RFC 3279 section 2.2.3) is this key's signature of ``message``."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

        try:
            self.point.verify(signature, message, ECDSA(_hash_of(self.point.curve.name)))
        except (InvalidSignature, ValueError):
            return False
        return True


class EcdsaSigner:
    """A private key on one of the curves, in memory. Neither ``repr`` nor pickling shows the secret."""

    __slots__ = ("_private", "public", "warnings")

    def __init__(self, private: EllipticCurvePrivateKey, warnings: tuple[str, ...] = ()) -> None:
        self._private = private
        self.public = EcdsaKey(private.public_key())
        self.warnings = warnings

    def __repr__(self) -> str:
        return f"<EcdsaSigner {self.public.curve} {self.public.hint[:16]}>"

    def __reduce__(self) -> str:
        raise TypeError("a signing key is not pickled")

    @classmethod
    def generate(cls) -> EcdsaSigner:
        """Make a new key on P-256 from the operating system's random numbers."""
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

        return cls(generate_private_key(SECP256R1()))

    @classmethod
    def load(cls, data: bytes, password: bytes | None = None, limits: Limits = DEFAULT_LIMITS) -> EcdsaSigner:
        """Load a private key from PEM: PKCS#8, encrypted or not, or the older ``EC PRIVATE KEY`` of OpenSSL.

        Raises :class:`UsageError` where it is no such key, is on another curve, or the passphrase is missing
        or wrong (``fields["reason"]``).
        """
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        if b"-----BEGIN OPENSSH PRIVATE KEY-----" in data[:4_096]:
            raise _other_kind("is one of OpenSSH's format")
        warnings, needs_password = _described(data, limits)
        if needs_password and not password:
            raise UsageError(
                "the private key is encrypted, and no passphrase was given",
                hint="Type it at the prompt, or set SECURELOAD_PASSWORD.",
                reason="passphrase-missing",
            )
        try:
            key = load_pem_private_key(data, password if needs_password else None)
        except Exception:  # whatever the library makes of the bytes
            what = "the passphrase is wrong, or the file is damaged" if needs_password else "it is damaged"
            raise UsageError(
                f"the private key cannot be read: {what}",
                hint="Try the passphrase again." if needs_password else "Restore it from a backup.",
                reason="passphrase-wrong" if needs_password else "damaged",
            ) from None
        if not isinstance(key, EllipticCurvePrivateKey):
            raise _other_kind("is not an ECDSA key")
        return cls(key, warnings)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of ``message`` as DER."""
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

        return self._private.sign(message, ECDSA(_hash_of(self._private.curve.name)))


def parse_ecdsa_key(data: bytes, limits: Limits = DEFAULT_LIMITS) -> EcdsaKey:
    """Parse a public key from PEM (SubjectPublicKeyInfo). Raises :class:`UsageError` for anything else."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if len(data) > limits.key_file_bytes:
        raise _not_a_key(f"is larger than {limits.key_file_bytes:,} bytes")
    if b"PRIVATE KEY" in data:
        raise UsageError(
            "this is a private key, where a public key is meant", hint="openssl pkey -in KEY -pubout"
        )
    try:
        key = load_pem_public_key(data)
    except Exception:  # whatever the library makes of the bytes
        raise _not_a_key("is not a public key in PEM") from None
    if not isinstance(key, EllipticCurvePublicKey):
        raise _not_a_key("is not an ECDSA key")
    return EcdsaKey(key)


def _described(data: bytes, limits: Limits) -> tuple[tuple[str, ...], bool]:
    """Return the warnings about a private key file and whether it is encrypted."""
    if b"-----BEGIN EC PRIVATE KEY-----" in data[:4_096] and len(data) <= limits.key_file_bytes:
        if b"ENCRYPTED" in data:
            raise UsageError(
                "the private key is encrypted in the old way of OpenSSL, with one round of MD5",
                hint="Convert it: openssl pkcs8 -topk8 -in OLD -out NEW -iter 600000",
            )
        return ("the private key is not encrypted",), False
    described = describe_private_key(data, limits)
    return described.warnings, described.is_encrypted


def _hash_of(curve: str) -> HashAlgorithm:
    from cryptography.hazmat.primitives import hashes

    by_curve: dict[str, HashAlgorithm] = {
        "secp256r1": hashes.SHA256(),
        "secp384r1": hashes.SHA384(),
        "secp521r1": hashes.SHA512(),
    }
    return by_curve[curve]


def _other_kind(what: str) -> UsageError:
    return UsageError(
        f"the private key {what}; OpenSSF's model signer needs ECDSA in PEM",
        hint="Make one: openssl ecparam -name prime256v1 -genkey -noout -out oms.pem; chmod 600 oms.pem",
        reason="key-type",
    )


def _not_a_key(what: str) -> UsageError:
    return UsageError(
        f"the public key {what}",
        hint="The keys of OpenSSF's model signer are ECDSA keys in PEM (BEGIN PUBLIC KEY).",
    )
