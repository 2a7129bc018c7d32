"""Chains of certificates: only from a root that was given, in time, and for signing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import ExpiredError, SecureloadError, SignatureFormatError, UntrustedError, UsageError
from secureload.signing.certificates import encode_chain, key_of_chain, parse_certificates
from tests.signing.issued import Authority

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ROOT = Authority.root("root", NOW)
BETWEEN = ROOT.issue_authority("between")
LEAF = BETWEEN.issue("signer")


def test_the_key_of_a_chain_to_the_root_is_returned() -> None:
    key, subject = key_of_chain(
        encode_chain([LEAF.certificate, BETWEEN.certificate]), [ROOT.certificate], now=NOW
    )
    assert key == LEAF.signer.public
    assert subject == "CN=signer"


def test_a_chain_to_another_root_is_untrusted() -> None:
    other = Authority.root("root", NOW)
    with pytest.raises(UntrustedError, match="does not lead to a root"):
        key_of_chain(encode_chain([LEAF.certificate, BETWEEN.certificate]), [other.certificate], now=NOW)


def test_a_chain_with_a_link_missing_is_untrusted() -> None:
    with pytest.raises(UntrustedError):
        key_of_chain(encode_chain([LEAF.certificate]), [ROOT.certificate], now=NOW)


def test_a_root_that_the_bundle_brings_along_is_not_trusted() -> None:
    other = Authority.root("own", NOW)
    leaf = other.issue("signer")
    with pytest.raises(UntrustedError):
        key_of_chain(encode_chain([leaf.certificate, other.certificate]), [ROOT.certificate], now=NOW)


def test_a_signer_is_no_authority_and_issues_nothing() -> None:
    forged = Authority(LEAF.signer, LEAF.certificate, NOW).issue("forged")
    with pytest.raises(UntrustedError):
        key_of_chain(
            encode_chain([forged.certificate, LEAF.certificate, BETWEEN.certificate]),
            [ROOT.certificate],
            now=NOW,
        )


@pytest.mark.parametrize("days", [-400, 400])
def test_an_expired_certificate_is_refused_whenever_it_says_that_it_signed(days: int) -> None:
    chain = encode_chain([LEAF.certificate, BETWEEN.certificate])
    with pytest.raises(ExpiredError, match="valid from"):
        key_of_chain(chain, [ROOT.certificate], now=NOW + timedelta(days=days))


def test_a_certificate_for_servers_does_not_sign_models() -> None:
    server = BETWEEN.issue("server", for_signing=False)
    with pytest.raises(SignatureFormatError, match="not one for signing"):
        key_of_chain(encode_chain([server.certificate, BETWEEN.certificate]), [ROOT.certificate], now=NOW)


def test_what_is_no_certificate_is_refused() -> None:
    with pytest.raises(UsageError):
        parse_certificates(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(SignatureFormatError):
        key_of_chain((b"leaf",), [ROOT.certificate], now=NOW)


@given(st.data())
def test_a_certificate_with_one_byte_replaced_is_refused(data: st.DataObject) -> None:
    chain = list(encode_chain([LEAF.certificate, BETWEEN.certificate]))
    raw = bytearray(chain[0])
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SecureloadError):
        key_of_chain((bytes(raw), chain[1]), [ROOT.certificate], now=NOW)
