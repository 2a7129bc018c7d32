"""Chains of X.509 certificates (RFC 5280): from a root that the caller trusts to the key that signed.

The chain itself is verified by the cryptography library, at one time that is passed in: an expired certificate is
refused, whenever it says that it signed. What that library leaves to its callers is checked here: the signer's
certificate must be one for signing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from secureload.errors import ExpiredError, SecureloadError, SignatureFormatError, UntrustedError, UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.ecdsa import EcdsaKey

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

__all__ = ["encode_chain", "key_of_chain", "parse_certificates"]

_MOST_DEPTH = 8


def parse_certificates(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[Certificate, ...]:
    """Parse one or more certificates in PEM. Raises :class:`UsageError` for anything else."""
    from cryptography.x509 import load_pem_x509_certificates

    if len(data) > limits.key_file_bytes:
        raise UsageError(f"the file of certificates is larger than {limits.key_file_bytes:,} bytes")
    try:
        return tuple(load_pem_x509_certificates(data))
    except Exception:  # whatever the library makes of the bytes
        raise UsageError(
            "this is no file of certificates", hint="Pass them in PEM (BEGIN CERTIFICATE)."
        ) from None


def encode_chain(certificates: Sequence[Certificate]) -> tuple[bytes, ...]:
    """Return the certificates as DER, in their order."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return tuple(one.public_bytes(Encoding.DER) for one in certificates)


def key_of_chain(
    chain: Sequence[bytes], roots: Sequence[Certificate], *, now: datetime
) -> tuple[EcdsaKey, str]:
    """Return the key of the first certificate in ``chain`` (DER) and its subject, printable (RFC 4514).

    Raises :class:`SignatureFormatError` for what is no certificate or not one for signing,
    :class:`ExpiredError` for a time outside of its validity, and :class:`UntrustedError` where the chain does
    not lead to one of ``roots``.
    """
    from cryptography.x509 import load_der_x509_certificate
    from cryptography.x509.verification import (
        ExtensionPolicy,
        PolicyBuilder,
        Store,
        VerificationError,
    )

    try:
        leaf, *between = [load_der_x509_certificate(one) for one in chain]
        subject = printable(leaf.subject.rfc4514_string(), 200)
        is_for_signing = _is_for_signing(leaf)
        key = _key_of(leaf)
        begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    except SecureloadError:
        raise
    except Exception:  # whatever the library makes of the bytes
        raise SignatureFormatError(
            "the signature carries what is no certificate", hint="Ask the signer for a new signature."
        ) from None
    if not is_for_signing:
        raise SignatureFormatError(
            f"the certificate of {subject} is not one for signing",
            hint="Its key usage must allow digital signatures, or its extended key usage code signing.",
        )
    if not begins <= now <= ends:
        raise ExpiredError(
            f"the certificate of {subject} is valid from {begins:%Y-%m-%d} to {ends:%Y-%m-%d}",
            hint="Ask the signer to sign again with a certificate that is valid.",
        )
    policy = PolicyBuilder().store(Store(list(roots))).time(now).max_chain_depth(_MOST_DEPTH)
    policy = policy.extension_policies(
        ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all()
    )
    try:
        policy.build_client_verifier().verify(leaf, between)
    except VerificationError as error:
        raise UntrustedError(
            f"the certificate of {subject} does not lead to a root that was given: {printable(error, 200)}",
            hint="Pass the root certificate of its issuer, if you trust that issuer.",
        ) from None
    return key, subject


def _is_for_signing(certificate: Certificate) -> bool:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        if usage.digital_signature:
            return True
    except x509.ExtensionNotFound:
        pass
    try:
        extended = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.CODE_SIGNING in extended


def _key_of(certificate: Certificate) -> EcdsaKey:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    key = certificate.public_key()
    if not isinstance(key, EllipticCurvePublicKey):
        raise SignatureFormatError(
            "the certificate's key is not one of ECDSA", hint="Only P-256, P-384 and P-521 are verified."
        )
    try:
        return EcdsaKey(key)
    except UsageError as error:
        raise SignatureFormatError(f"the certificate is refused: {error.message}") from None
