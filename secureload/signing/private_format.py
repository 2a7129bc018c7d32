"""What a private key file says about itself before anybody derives a key from a passphrase.

A file chooses how much work that is (bcrypt rounds, PBKDF2 iterations), and the libraries do as they are
told, for hours if need be. So the few header fields that say so are read first; the secret part never is.
Sources: OpenSSH's PROTOCOL.key, RFC 5958 (PKCS#8), RFC 8018 (PBES2, PBKDF2).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Literal

from secureload.errors import UsageError
from secureload.limits import Limits
from secureload.values import dataclass

__all__ = ["PrivateFile", "describe_private_key"]

_PEM = re.compile(rb"\s*-----BEGIN ([A-Z ]{0,30})-----\r?\n([A-Za-z0-9+/=\r\n]*)-----END \1-----\s*")
_OPENSSH_MAGIC = b"openssh-key-v1\0"

# One bcrypt round takes about 10 ms, a million PBKDF2 iterations about 0.3 s.
_FEWEST_ROUNDS, _MOST_ROUNDS = 100, 2_000
_FEWEST_ITERATIONS, _MOST_ITERATIONS = 600_000, 20_000_000

_SEQUENCE, _INTEGER, _OCTETS, _OID = 0x30, 0x02, 0x04, 0x06
_PBES2 = bytes.fromhex("2a864886f70d01050d")
_PBKDF2 = bytes.fromhex("2a864886f70d01050c")


@dataclass(frozen=True, slots=True)
class PrivateFile:
    """The container of a private key file, whether it is encrypted, and what about it is too weak."""

    container: Literal["openssh", "pkcs8"]
    is_encrypted: bool
    warnings: tuple[str, ...] = ()


def describe_private_key(data: bytes, limits: Limits) -> PrivateFile:
    """Read the header of a private key file.

    Raises :class:`UsageError` for what is neither an OpenSSH private key nor PKCS#8 in PEM, and for files
    that ask for more work than 2,000 bcrypt rounds or 20,000,000 PBKDF2 iterations.
    """
    if len(data) > limits.key_file_bytes:
        raise _refused(f"is larger than {limits.key_file_bytes:,} bytes")
    if data.startswith(b"ssh-"):
        raise UsageError(
            "this is a public key, where a private key is meant", hint="Pass the file without .pub."
        )
    match = _PEM.fullmatch(data)
    if match is None:
        raise _refused("is not an OpenSSH or PKCS#8 private key")
    label = match.group(1)
    try:
        body = base64.b64decode(match.group(2).replace(b"\r", b"").replace(b"\n", b""), validate=True)
    except (binascii.Error, ValueError):
        raise _refused("does not hold base64") from None
    if label == b"OPENSSH PRIVATE KEY":
        return _describe_openssh(body)
    if label == b"ENCRYPTED PRIVATE KEY":
        return _describe_encrypted_pkcs8(body)
    if label == b"PRIVATE KEY":
        return PrivateFile("pkcs8", False, ("the private key is not encrypted",))
    raise _refused("is of a kind that is not read here; only OpenSSH and PKCS#8 keys are")


def _describe_openssh(body: bytes) -> PrivateFile:
    """PROTOCOL.key: magic, then the strings ciphername, kdfname and kdfoptions (salt, uint32 rounds)."""
    if not body.startswith(_OPENSSH_MAGIC):
        raise _refused("does not begin as an OpenSSH private key does")
    cipher, rest = _take_ssh_string(body[len(_OPENSSH_MAGIC) :])
    kdf, rest = _take_ssh_string(rest)
    options, _ = _take_ssh_string(rest)
    if (cipher, kdf) == (b"none", b"none"):
        return PrivateFile("openssh", False, ("the private key is not encrypted",))
    if kdf != b"bcrypt":
        raise _refused("derives its key in an unknown way")
    _, after_salt = _take_ssh_string(options)
    if len(after_salt) != 4:
        raise _refused("is damaged")
    rounds = int.from_bytes(after_salt, "big")
    if rounds > _MOST_ROUNDS:
        raise _refused(f"asks for {rounds:,} bcrypt rounds; the most is {_MOST_ROUNDS:,}")
    weak = f"the private key has {rounds} bcrypt rounds; better are {_FEWEST_ROUNDS} (ssh-keygen -p -a 100)"
    return PrivateFile("openssh", True, (weak,) if rounds < _FEWEST_ROUNDS else ())


def _take_ssh_string(data: bytes) -> tuple[bytes, bytes]:
    length = int.from_bytes(data[:4], "big")
    if len(data) < 4 or len(data) - 4 < length:
        raise _refused("is damaged")
    return data[4 : 4 + length], data[4 + length :]


def _describe_encrypted_pkcs8(body: bytes) -> PrivateFile:
    """EncryptedPrivateKeyInfo: SEQUENCE { SEQUENCE { PBES2, SEQUENCE { SEQUENCE { PBKDF2, … } … } } … }."""
    info, _ = _take_der(body, _SEQUENCE)
    algorithm, _ = _take_der(info, _SEQUENCE)
    scheme, rest = _take_der(algorithm, _OID)
    if scheme != _PBES2:
        raise _refused("is encrypted in an outdated way; only PBES2 is read")
    parameters, _ = _take_der(rest, _SEQUENCE)
    derivation, _ = _take_der(parameters, _SEQUENCE)
    function, rest = _take_der(derivation, _OID)
    if function != _PBKDF2:
        raise _refused("derives its key by something else than PBKDF2")
    options, _ = _take_der(rest, _SEQUENCE)
    _, rest = _take_der(options, _OCTETS)
    count, _ = _take_der(rest, _INTEGER)
    iterations = int.from_bytes(count, "big", signed=True)
    if not 0 < iterations <= _MOST_ITERATIONS:
        raise _refused(
            f"asks for an unreasonable number of PBKDF2 iterations; the most is {_MOST_ITERATIONS:,}"
        )
    weak = f"the private key has {iterations:,} PBKDF2 iterations; OpenSSH's format protects it better"
    return PrivateFile("pkcs8", True, (weak,) if iterations < _FEWEST_ITERATIONS else ())


def _take_der(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """Return the contents of the first DER element, which must have this tag, and what follows it."""
    if len(data) < 2 or data[0] != tag:
        raise _refused("is damaged")
    length, start = data[1], 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 3:
            raise _refused("is damaged")
        length, start = int.from_bytes(data[2 : 2 + size], "big"), 2 + size
    if len(data) - start < length:
        raise _refused("is damaged")
    return data[start : start + length], data[start + length :]


def _refused(what: str) -> UsageError:
    return UsageError(
        f"the private key {what}", hint="Make a key with 'secureload keygen' or 'ssh-keygen -t ed25519'."
    )
