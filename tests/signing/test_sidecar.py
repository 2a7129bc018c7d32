from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import SignatureFormatError
from secureload.limits import Limits
from secureload.signing.dsse import sign_payload
from secureload.signing.keys import SigningKey
from secureload.signing.sidecar import encode_sidecar, parse_sidecar

ENVELOPES = tuple(sign_payload(b'{"n":%d}' % number, SigningKey.generate()) for number in range(3))


def refusal(data: bytes, limits: Limits | None = None) -> SignatureFormatError:
    with pytest.raises(SignatureFormatError) as caught:
        parse_sidecar(data, limits or Limits())
    assert caught.value.message.isprintable()
    assert caught.value.hint
    return caught.value


def test_every_signer_is_one_line_and_comes_back_in_order() -> None:
    data = encode_sidecar(ENVELOPES)
    assert data.count(b"\n") == 3
    assert parse_sidecar(data) == ENVELOPES
    assert encode_sidecar(parse_sidecar(data)) == data


def test_a_last_line_without_its_end_is_read() -> None:
    assert parse_sidecar(encode_sidecar(ENVELOPES)[:-1]) == ENVELOPES


def test_appending_a_line_adds_a_signer() -> None:
    assert parse_sidecar(encode_sidecar(ENVELOPES[:2]) + encode_sidecar(ENVELOPES[2:])) == ENVELOPES


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the signature file is empty"),
        (b"\n", "line 1 of the signature file is blank"),
        (b"\x93\xff\x00\x01", "line 1 of the signature file is not UTF-8 text (byte 0)"),
        (b"hello", "line 1 of the signature file is not JSON: expecting value (character 0)"),
        (
            b'{"a": 1}',
            "line 1 of the signature file is JSON, but not a Sigstore bundle: it has no 'mediaType'",
        ),
        (b"[1, 2]", "line 1 of the signature file is JSON, but not a Sigstore bundle: it has no 'mediaType'"),
    ],
)
def test_an_empty_a_random_and_a_json_file_each_have_their_own_words(data: bytes, message: str) -> None:
    assert refusal(data).message == message


def test_one_bad_line_among_good_ones_refuses_the_file_and_is_named() -> None:
    lines = encode_sidecar(ENVELOPES).splitlines(keepends=True)
    error = refusal(b"".join([lines[0], b"{}\n", lines[1]]))
    assert error.fields["line"] == 2
    assert error.message.startswith("line 2 ")
    assert refusal(b"".join([lines[0], b"\n", lines[1]])).message == "line 2 of the signature file is blank"


def test_size_and_number_of_lines_are_limited() -> None:
    data = encode_sidecar(ENVELOPES)
    assert refusal(data, Limits(sidecar_bytes=10)).fields["limit"] == "sidecar_bytes"
    assert refusal(data, Limits(sidecar_bundles=2)).fields["limit"] == "sidecar_bundles"
    assert refusal(b"\n" * 1000).fields["limit"] == "sidecar_bundles"


@settings(deadline=None, max_examples=150)
@given(
    st.binary(max_size=80)
    | st.lists(st.sampled_from([b"{}", b"\n", b"null", b'{"mediaType":', b"\xff"])).map(b"".join)
)
def test_any_bytes_raise_nothing_but_a_signature_format_error(data: bytes) -> None:
    with pytest.raises(SignatureFormatError):
        parse_sidecar(data)
