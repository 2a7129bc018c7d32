"""PKCS#11 URIs: the parts that choose a key, and no PIN among them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import UsageError
from secureload.signing.pkcs11_uri import Pkcs11Uri, parse_pkcs11_uri


def test_the_parts_are_read() -> None:
    text = "pkcs11:token=my%20token;object=alice;id=%01%FF;type=private?module-path=/usr/lib/x.so"
    assert parse_pkcs11_uri(text) == Pkcs11Uri(
        token="my token", label="alice", key_id=b"\x01\xff", module_path="/usr/lib/x.so"
    )
    assert parse_pkcs11_uri("pkcs11:id=%01;serial=7") == Pkcs11Uri(key_id=b"\x01", serial="7")


@pytest.mark.parametrize("pin", ["?pin-value=1234", "?pin-source=file:/x", ";pin-value=1234"])
def test_a_pin_in_the_uri_is_refused_because_others_see_it(pin: str) -> None:
    with pytest.raises(UsageError, match="PIN"):
        parse_pkcs11_uri("pkcs11:object=alice" + pin)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "pkcs11:",
        "pkcs11:token=release",
        "pkcs11:object=",
        "pkcs11:object=a;object=b",
        "pkcs11:object=a;unknown=b",
        "pkcs11:object=a b",
        "pkcs11:object=%zz",
        "pkcs11:object=%ff",
        "pkcs11:object=%1b",
        "pkcs11:object=a;type=public",
        "pkcs11:object=a;slot-id=0",
        "pkcs11:object=a?other=1",
        "pkcs11:object=" + "a" * 5_000,
    ],
)
def test_what_means_no_one_key_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="PKCS#11 URI is refused"):
        parse_pkcs11_uri(text)


@given(st.text(max_size=60))
def test_whatever_the_text_it_is_parsed_or_refused(text: str) -> None:
    for uri in (text, "pkcs11:" + text, "pkcs11:object=a;" + text, "pkcs11:object=a?" + text):
        try:
            found = parse_pkcs11_uri(uri)
        except UsageError as error:
            assert error.message.isprintable()
        else:
            assert found.label or found.key_id
