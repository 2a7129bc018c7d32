"""Public keys and signing keys, as values; the files that hold them are the business of the trust package.

A public key is written as OpenSSH writes it (``ssh-ed25519 AAAA… comment``; RFC 4253 section 6.6, RFC 8709),
so that ``ssh-keygen -l`` and the key lists of the usual forges show the same fingerprint.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Protocol

from secureload.errors import UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.ed25519 import PUBLIC_KEY_BYTES, check_public_key
from secureload.signing.pkcs8 import encrypt_pkcs8
from secureload.signing.private_format import describe_private_key
from secureload.values import dataclass, field

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = [
    "KDF_ROUNDS",
    "PublicKey",
    "Signer",
    "SigningKey",
    "encode_public_key",
    "encode_public_pem",
    "parse_public_key",
]

KEY_TYPE = "ssh-ed25519"
# bcrypt rounds of what is written here; ssh-keygen's default is 16 to 24. 100 take about a second.
KDF_ROUNDS = 100
# SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING }: all of it but the key (RFC 8410, section 4).
_SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
_COMMENT_CHARS = 200
_WIRE_PREFIX = len(KEY_TYPE).to_bytes(4, "big") + KEY_TYPE.encode() + PUBLIC_KEY_BYTES.to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key: its 32 raw bytes, by which alone keys are compared, and a comment.

    Raises :class:`UsageError` for weak keys (:func:`secureload.signing.ed25519.weakness`).
    """

    raw: bytes
    comment: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        check_public_key(self.raw)
        if len(self.comment) > _COMMENT_CHARS or not self.comment.isprintable():
            raise UsageError(
                f"the comment of the public key is not at most {_COMMENT_CHARS} printable characters",
                hint="Shorten the text behind the key in its .pub file.",
            )

    @property
    def fingerprint(self) -> str:
        """The fingerprint as ``ssh-keygen -l`` shows it: ``SHA256:`` and 43 characters of base64."""
        digest = hashlib.sha256(_WIRE_PREFIX + self.raw).digest()
        return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")

    @property
    def key_id(self) -> str:
        """What a signature names its key by: the fingerprint. It finds a key; it never proves one."""
        return self.fingerprint


class Signer(Protocol):
    """Whatever signs with Ed25519: a key file, an agent, a token."""

    @property
    def public(self) -> PublicKey:
        """The public key that verifies what :meth:`sign` returns."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature (64 bytes) of ``message``."""


def parse_public_key(data: bytes, limits: Limits = DEFAULT_LIMITS) -> PublicKey:
    """Parse a ``.pub`` file: one line ``ssh-ed25519 AAAA… comment``.

    Raises :class:`UsageError` for anything else, private keys and weak keys included.
    """
    if len(data) > limits.key_file_bytes:
        raise _not_a_key(f"is larger than {limits.key_file_bytes:,} bytes")
    if b"PRIVATE KEY" in data:
        raise UsageError(
            "this is a private key, where a public key is meant", hint="Pass the file that ends in .pub."
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise _not_a_key("is not UTF-8 text") from None
    lines = text.rstrip("\r\n").split("\n")
    if lines == [""]:
        raise _not_a_key("is empty")
    if len(lines) != 1:
        raise _not_a_key(f"has {len(lines):,} lines instead of one")
    kind, _, rest = lines[0].partition(" ")
    if kind != KEY_TYPE:
        raise _not_a_key(f"begins with {printable(kind, 40)!r} instead of {KEY_TYPE!r}")
    blob, _, comment = rest.partition(" ")
    return PublicKey(_raw_of_blob(blob), comment.strip())


def encode_public_key(key: PublicKey) -> bytes:
    """Encode the one line of a ``.pub`` file, with its line end."""
    blob = base64.b64encode(_WIRE_PREFIX + key.raw).decode("ascii")
    return f"{KEY_TYPE} {blob} {key.comment}".rstrip().encode("utf-8") + b"\n"


def encode_public_pem(key: PublicKey) -> bytes:
    """Encode as SubjectPublicKeyInfo in PEM (RFC 8410), as openssl reads it."""
    info = base64.b64encode(_SPKI_PREFIX + key.raw).decode("ascii")
    return f"-----BEGIN PUBLIC KEY-----\n{info}\n-----END PUBLIC KEY-----\n".encode("ascii")


class SigningKey:
    """An Ed25519 private key in memory. Neither ``repr`` nor pickling shows the secret.

    ``warnings`` says what about its file is weaker than it should be, one printable line each.
    """

    __slots__ = ("_private", "public", "warnings")

    def __init__(self, private: Ed25519PrivateKey, comment: str = "", warnings: tuple[str, ...] = ()) -> None:
        self._private = private
        self.public = PublicKey(private.public_key().public_bytes_raw(), comment)
        self.warnings = warnings

    def __repr__(self) -> str:
        return f"<SigningKey {self.public.fingerprint}>"

    def __reduce__(self) -> str:
        raise TypeError("a signing key is not pickled")

    @classmethod
    def generate(cls, comment: str = "") -> SigningKey:
        """Make a new key from the operating system's random numbers."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(Ed25519PrivateKey.generate(), comment)

    @classmethod
    def load(
        cls, data: bytes, password: bytes | None = None, *, comment: str = "", limits: Limits = DEFAULT_LIMITS
    ) -> SigningKey:
        """Load a private key file: OpenSSH's format or PKCS#8 (PEM), encrypted or not.

        ``password`` is not looked at when the key is not encrypted. Raises :class:`UsageError` when the bytes
        are no such key, are of another type than Ed25519, ask for more work than is reasonable to derive the
        key, or when the passphrase is missing or wrong.
        """
        described = describe_private_key(data, limits)
        if described.is_encrypted and not password:
            raise UsageError(
                "the private key is encrypted, and no passphrase was given",
                hint="Type it at the prompt, or set SECURELOAD_PASSWORD.",
                reason="passphrase-missing",
            )
        private = _load_private(data, described.container, password if described.is_encrypted else None)
        return cls(private, comment, described.warnings)

    def sign(self, message: bytes) -> bytes:
        """Return the signature (64 bytes) of ``message``; deterministic (RFC 8032, section 5.1.6)."""
        return self._private.sign(message)

    def encode(self, password: bytes | None, *, rounds: int = KDF_ROUNDS) -> bytes:
        """Encode as an OpenSSH private key; ``None`` writes it unencrypted.

        Raises :class:`UsageError` for an empty passphrase and for fewer than 100 bcrypt ``rounds``.
        """
        from cryptography.hazmat.primitives import serialization

        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            if not password:
                raise UsageError(
                    "the passphrase is empty", hint="Choose one, or ask for an unencrypted key explicitly."
                )
            if rounds < KDF_ROUNDS:
                raise UsageError(f"{rounds} bcrypt rounds are too few: the least is {KDF_ROUNDS}")
            builder = serialization.PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(rounds)
            encryption = builder.build(password)
        return self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, encryption
        )

    def encode_pkcs8(self, password: bytes | None) -> bytes:
        """Encode as PKCS#8 in PEM; ``None`` writes it unencrypted. Raises as :meth:`encode`."""
        from cryptography.hazmat.primitives import serialization

        if password is None:
            return self._private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        if not password:
            raise UsageError(
                "the passphrase is empty", hint="Choose one, or ask for an unencrypted key explicitly."
            )
        plain = self._private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return encrypt_pkcs8(plain, password)


def _raw_of_blob(text: str) -> bytes:
    try:
        blob = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise _not_a_key("does not hold base64") from None
    if base64.b64encode(blob).decode("ascii") != text:
        raise _not_a_key("holds base64 with stray bits")
    if not blob.startswith(_WIRE_PREFIX) or len(blob) != len(_WIRE_PREFIX) + PUBLIC_KEY_BYTES:
        raise _not_a_key("does not hold an Ed25519 key")
    return blob[len(_WIRE_PREFIX) :]


def _load_private(data: bytes, container: str, password: bytes | None) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    load = (
        serialization.load_ssh_private_key if container == "openssh" else serialization.load_pem_private_key
    )
    try:
        key = load(data, password)
    except (
        Exception
    ):  # whatever the library makes of the bytes: ValueError, TypeError, UnsupportedAlgorithm, …
        if password is not None:
            raise UsageError(
                "the private key cannot be decrypted: the passphrase is wrong, or the file is damaged",
                hint="Try the passphrase again.",
                reason="passphrase-wrong",
            ) from None
        raise UsageError(
            "the private key file is damaged", hint="Restore it from a backup, or make a new key."
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(
            "the private key is not an Ed25519 key",
            hint="Make one with 'secureload keygen'.",
            reason="key-type",
        )
    return key


def _not_a_key(what: str) -> UsageError:
    return UsageError(
        f"the public key {what}",
        hint=f"A public key is one line: '{KEY_TYPE} AAAA… comment', as 'secureload keygen' writes it.",
    )
