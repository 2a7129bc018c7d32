"""ECDSA keys: what OpenSSL makes is read, what is weak or another kind is refused."""

from __future__ import annotations

import pickle
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import SecureloadError, UsageError
from secureload.signing.ecdsa import EcdsaSigner, parse_ecdsa_key


def openssl(*arguments: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(
        ["openssl", *arguments], input=stdin, check=True, capture_output=True, timeout=30
    ).stdout


@pytest.mark.parametrize(
    ("curve", "name"), [("prime256v1", "P-256"), ("secp384r1", "P-384"), ("secp521r1", "P-521")]
)
def test_a_key_of_openssl_signs_and_its_public_half_verifies(curve: str, name: str) -> None:
    private = openssl("ecparam", "-name", curve, "-genkey", "-noout")
    signer = EcdsaSigner.load(private)
    public = parse_ecdsa_key(openssl("pkey", "-pubout", stdin=private))
    assert (public.curve, public) == (name, signer.public)
    signature = signer.sign(b"model")
    assert public.verify(signature, b"model")
    assert not public.verify(signature, b"other")
    assert not public.verify(signature[:-1], b"model")
    assert not EcdsaSigner.generate().public.verify(signature, b"model")


def test_another_curve_is_refused() -> None:
    private = openssl("ecparam", "-name", "secp256k1", "-genkey", "-noout")
    with pytest.raises(UsageError, match="curve 'secp256k1'"):
        EcdsaSigner.load(private)
    with pytest.raises(UsageError, match="curve 'secp256k1'"):
        parse_ecdsa_key(openssl("pkey", "-pubout", stdin=private))


def test_a_key_of_another_kind_is_refused() -> None:
    private = openssl("genpkey", "-algorithm", "ed25519")
    with pytest.raises(UsageError, match="not an ECDSA key"):
        EcdsaSigner.load(private)
    with pytest.raises(UsageError, match="not an ECDSA key"):
        parse_ecdsa_key(openssl("pkey", "-pubout", stdin=private))
    with pytest.raises(UsageError, match="private key, where a public"):
        parse_ecdsa_key(private)


def test_an_encrypted_key_asks_for_its_passphrase() -> None:
    plain = openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout")
    data = openssl("pkcs8", "-topk8", "-iter", "600000", "-passout", "pass:right", stdin=plain)
    with pytest.raises(UsageError) as missing:
        EcdsaSigner.load(data)
    with pytest.raises(UsageError) as wrong:
        EcdsaSigner.load(data, b"wrong")
    assert [error.value.fields["reason"] for error in (missing, wrong)] == [
        "passphrase-missing",
        "passphrase-wrong",
    ]
    assert EcdsaSigner.load(data, b"right").public == EcdsaSigner.load(plain).public


def test_the_old_encryption_of_openssl_is_refused() -> None:
    plain = openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout")
    data = openssl("ec", "-aes256", "-passout", "pass:right", stdin=plain)
    if b"BEGIN EC PRIVATE KEY" not in data:
        pytest.skip("this OpenSSL writes PKCS#8 here")
    with pytest.raises(UsageError, match="MD5"):
        EcdsaSigner.load(data, b"right")


def test_the_secret_is_not_shown_and_not_pickled() -> None:
    signer = EcdsaSigner.generate()
    assert "PRIVATE" not in repr(signer)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(signer)


@given(st.binary(max_size=300))
def test_whatever_the_bytes_a_key_file_is_read_or_refused(data: bytes) -> None:
    for text in (data, b"-----BEGIN PUBLIC KEY-----\n" + data, b"-----BEGIN EC PRIVATE KEY-----\n" + data):
        for parse in (parse_ecdsa_key, EcdsaSigner.load):
            with pytest.raises(SecureloadError):
                parse(text)
