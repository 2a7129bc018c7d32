"""Encrypted PKCS#8 with as much work as is due today: cryptography's own writer stops at 2,048 iterations.

EncryptedPrivateKeyInfo of RFC 5958 with PBES2, PBKDF2-HMAC-SHA256 and AES-256-CBC of RFC 8018; openssl reads it.
"""

from __future__ import annotations

import base64
import hashlib

__all__ = ["ITERATIONS", "encrypt_pkcs8"]

# OWASP's password storage cheat sheet, for PBKDF2 with HMAC-SHA-256.
ITERATIONS = 600_000
_SALT_BYTES, _BLOCK_BYTES, _KEY_BYTES = 16, 16, 32
_PEM_CHARS = 64  # a line, RFC 7468

_INTEGER, _OCTETS, _NULL, _OID, _SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
_PBES2 = bytes.fromhex("2a864886f70d01050d")
_PBKDF2 = bytes.fromhex("2a864886f70d01050c")
_HMAC_SHA256 = bytes.fromhex("2a864886f70d0209")
_AES_256_CBC = bytes.fromhex("60864801650304012a")


def encrypt_pkcs8(plain: bytes, password: bytes) -> bytes:
    """Return the PEM of an encrypted private key; ``plain`` is the DER of a PrivateKeyInfo."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    # 256 random bits from the same library that draws the keys, halved into salt and initial vector.
    drawn = AESGCM.generate_key(bit_length=256)
    salt, vector = drawn[:_SALT_BYTES], drawn[_SALT_BYTES:]
    key = hashlib.pbkdf2_hmac("sha256", password, salt, ITERATIONS, _KEY_BYTES)
    padding = _BLOCK_BYTES - len(plain) % _BLOCK_BYTES
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    secret = encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()
    derivation = _der(
        _SEQUENCE,
        _der(_OCTETS, salt),
        _der(_INTEGER, ITERATIONS.to_bytes(3, "big")),
        _der(_SEQUENCE, _der(_OID, _HMAC_SHA256), _der(_NULL)),
    )
    parameters = _der(
        _SEQUENCE,
        _der(_SEQUENCE, _der(_OID, _PBKDF2), derivation),
        _der(_SEQUENCE, _der(_OID, _AES_256_CBC), _der(_OCTETS, vector)),
    )
    info = _der(_SEQUENCE, _der(_SEQUENCE, _der(_OID, _PBES2), parameters), _der(_OCTETS, secret))
    text = base64.b64encode(info).decode("ascii")
    lines = [text[start : start + _PEM_CHARS] for start in range(0, len(text), _PEM_CHARS)]
    label = "ENCRYPTED PRIVATE KEY"
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode("ascii")


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([0x81, size])  # nothing here reaches 256 bytes
    return bytes([tag]) + length + body
