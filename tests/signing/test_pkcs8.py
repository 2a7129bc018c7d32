"""Encrypted PKCS#8 that others read."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from secureload.errors import UsageError
from secureload.limits import DEFAULT_LIMITS
from secureload.signing.keys import SigningKey
from secureload.signing.private_format import describe_private_key

KEY = SigningKey.generate()


def test_the_library_below_reads_it_and_it_asks_for_enough_work() -> None:
    data = KEY.encode_pkcs8(b"secret")
    load_pem_private_key(data, b"secret")
    described = describe_private_key(data, DEFAULT_LIMITS)
    assert (described.container, described.is_encrypted, described.warnings) == ("pkcs8", True, ())
    assert SigningKey.load(data, b"secret").public == KEY.public
    assert KEY.encode_pkcs8(b"secret") != data


def test_a_wrong_passphrase_and_an_empty_one_are_refused() -> None:
    with pytest.raises(UsageError, match="passphrase is wrong"):
        SigningKey.load(KEY.encode_pkcs8(b"secret"), b"other")
    with pytest.raises(UsageError, match="empty"):
        KEY.encode_pkcs8(b"")
    assert SigningKey.load(KEY.encode_pkcs8(None)).warnings == ("the private key is not encrypted",)
