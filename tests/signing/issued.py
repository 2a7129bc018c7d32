"""Certificates that the tests issue: a root, an authority between, a signer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from secureload.signing.ecdsa import EcdsaSigner


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs: bool, issues: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=not signs and not issues,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issues,
        crl_sign=issues,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass(frozen=True, slots=True)
class Authority:
    """A key, its certificate, and the time around which what it issues is valid."""

    signer: EcdsaSigner
    certificate: x509.Certificate
    now: datetime
    private: ec.EllipticCurvePrivateKey | None = None

    @classmethod
    def root(cls, name: str, now: datetime) -> Authority:
        private = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(name, name, private.public_key(), now)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=2), critical=True)
        builder = builder.add_extension(_usage(signs=False, issues=True), critical=True)
        builder = _identified(builder, private, private)
        return cls(EcdsaSigner(private), builder.sign(private, hashes.SHA256()), now, private)

    def issue_authority(self, name: str) -> Authority:
        return self._issue(name, ca=True, for_signing=False)

    def issue(self, name: str, *, for_signing: bool = True) -> Authority:
        return self._issue(name, ca=False, for_signing=for_signing)

    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def private_pem(self) -> bytes:
        return self._key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def _key(self) -> ec.EllipticCurvePrivateKey:
        return self.signer._private if self.private is None else self.private

    def _issue(self, name: str, *, ca: bool, for_signing: bool) -> Authority:
        private = ec.generate_private_key(ec.SECP256R1())
        issuer = self.certificate.subject.rfc4514_string().removeprefix("CN=")
        builder = _builder(name, issuer, private.public_key(), self.now)
        builder = builder.add_extension(
            x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True
        )
        builder = builder.add_extension(_usage(signs=for_signing, issues=ca), critical=True)
        if not ca:
            purpose = ExtendedKeyUsageOID.CODE_SIGNING if for_signing else ExtendedKeyUsageOID.SERVER_AUTH
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        builder = _identified(builder, private, self._key())
        return Authority(EcdsaSigner(private), builder.sign(self._key(), hashes.SHA256()), self.now, private)


def _builder(
    subject: str, issuer: str, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=300))
    )


def _identified(
    builder: x509.CertificateBuilder, own: ec.EllipticCurvePrivateKey, issuer: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    builder = builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False
    )
    return builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False
    )
