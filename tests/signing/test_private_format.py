from __future__ import annotations

import base64
import struct
import subprocess

import pytest

from secureload.errors import UsageError
from secureload.limits import DEFAULT_LIMITS
from secureload.signing.private_format import PrivateFile, describe_private_key


def string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def openssh(rounds: int, kdf: bytes = b"bcrypt", cipher: bytes = b"aes256-ctr") -> bytes:
    options = string(b"s" * 16) + struct.pack(">I", rounds)
    body = b"openssh-key-v1\0" + string(cipher) + string(kdf) + string(options) + struct.pack(">I", 1)
    return pem(body, b"OPENSSH PRIVATE KEY")


def pem(body: bytes, label: bytes) -> bytes:
    return b"-----BEGIN %s-----\n%s-----END %s-----\n" % (label, base64.encodebytes(body), label)


def describe(data: bytes) -> PrivateFile:
    return describe_private_key(data, DEFAULT_LIMITS)


def openssl_pkcs8(*options: str) -> bytes:
    key = subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ed25519"], check=True, capture_output=True, timeout=30
    ).stdout
    return subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-passout", "pass:x", *options],
        input=key,
        check=True,
        capture_output=True,
        timeout=30,
    ).stdout


def test_a_key_file_that_asks_for_hours_of_bcrypt_is_refused_before_it_is_tried() -> None:
    assert describe(openssh(100)) == PrivateFile("openssh", True)
    assert describe(openssh(16)).warnings[0].startswith("the private key has 16 bcrypt rounds")
    with pytest.raises(UsageError, match="asks for 4,294,967,295 bcrypt rounds"):
        describe(openssh(2**32 - 1))


def test_a_key_file_that_asks_for_hours_of_pbkdf2_is_refused_before_it_is_tried() -> None:
    assert "2,048 PBKDF2 iterations" in describe(openssl_pkcs8()).warnings[0]
    assert describe(openssl_pkcs8("-iter", "700000")).warnings == ()
    data = openssl_pkcs8("-iter", "65536")  # 0x010000, three bytes in DER
    body = base64.b64decode(b"".join(data.splitlines()[1:-1]))
    assert body.count(b"\x02\x03\x01\x00\x00") == 1
    huge = body.replace(b"\x02\x03\x01\x00\x00", b"\x02\x03\x7f\xff\xff")
    assert describe(pem(huge, b"ENCRYPTED PRIVATE KEY")).warnings == ()  # 8 million: some seconds
    negative = body.replace(b"\x02\x03\x01\x00\x00", b"\x02\x03\xff\xff\xff")
    with pytest.raises(UsageError, match="unreasonable number"):
        describe(pem(negative, b"ENCRYPTED PRIVATE KEY"))
    with pytest.raises(UsageError, match="unreasonable number"):
        describe(openssl_pkcs8_with_iterations(2**31 - 1))


def openssl_pkcs8_with_iterations(count: int) -> bytes:
    """The header of an encrypted PKCS#8 file, built by hand: no library would wait for it."""

    def der(tag: int, *parts: bytes) -> bytes:
        body = b"".join(parts)
        return bytes([tag, len(body)]) + body

    pbes2, pbkdf2 = bytes.fromhex("2a864886f70d01050d"), bytes.fromhex("2a864886f70d01050c")
    options = der(0x30, der(0x04, b"s" * 8), der(0x02, count.to_bytes(4, "big")))
    algorithm = der(0x30, der(0x06, pbes2), der(0x30, der(0x30, der(0x06, pbkdf2), options)))
    return pem(der(0x30, algorithm, der(0x04, b"x" * 64)), b"ENCRYPTED PRIVATE KEY")


@pytest.mark.parametrize("option", [("-scrypt",), ("-v1", "PBE-SHA1-3DES")])
def test_other_ways_to_encrypt_pkcs8_are_refused_by_name(option: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=r"something else than PBKDF2|outdated way"):
        describe(openssl_pkcs8(*option))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is not an OpenSSH or PKCS#8"),
        (b"random text", "is not an OpenSSH or PKCS#8"),
        (b"ssh-ed25519 AAAA", "public key"),
        (pem(b"x", b"RSA PRIVATE KEY"), "of a kind that is not read here"),
        (pem(b"", b"OPENSSH PRIVATE KEY"), "does not begin"),
        (pem(b"openssh-key-v1\0\xff\xff\xff\xff", b"OPENSSH PRIVATE KEY"), "damaged"),
        (openssh(100, kdf=b"md5"), "unknown way"),
        (openssh(100, kdf=b"none"), "unknown way"),
        (pem(b"\x30\x84\x7f\xff\xff\xff", b"ENCRYPTED PRIVATE KEY"), "damaged"),
        (b"-----BEGIN " + b"PRIVATE KEY-----\nA=A=\n-----END " + b"PRIVATE KEY-----\n", "base64"),
        (pem(b"a", b"PRIVATE KEY") * 2, "is not an OpenSSH or PKCS#8"),
        (b"x" * 100_000, "larger"),
    ],
)
def test_what_is_no_private_key_is_refused_with_its_own_words(data: bytes, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        describe(data)
    assert reason in caught.value.message
    assert caught.value.hint
