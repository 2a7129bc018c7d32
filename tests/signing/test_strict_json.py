from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import SignatureFormatError
from secureload.limits import Limits
from secureload.signing.strict_json import (
    encode_json,
    parse_json,
    take_list,
    take_object,
    take_size,
    take_string,
)


def refusal(data: bytes) -> str:
    with pytest.raises(SignatureFormatError) as caught:
        parse_json(data, where="the text")
    assert caught.value.message.isprintable()
    return caught.value.message


@pytest.mark.parametrize(
    "data",
    [b'{"a":1,"a":2}', b'{"x":{"a":1,"a":1}}', b'[[{"x":[{"a":1,"b":2,"a":3}]}]]', b'{"a":1,"\\u0061":2}'],
)
def test_a_duplicate_key_is_refused_at_every_level_and_however_it_is_spelled(data: bytes) -> None:
    assert refusal(data) == "the text has the key 'a' twice"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b'\xef\xbb\xbf{"a":1}', "not JSON"),
        (b"{} {}", "data after its end"),
        (b"NaN", "NaN"),
        (b"[-Infinity]", "-Infinity"),
        (b"1e999", "range of a double"),
        (b"9007199254740992", "2**53"),
        (b"-9007199254740992", "2**53"),
        (b"1" * 100_000, "2**53"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udc00":1}', "surrogate"),
        (b"[" * 40 + b"]" * 40, "deeper than 32"),
        (b"[" * 200_000, "deeper than 32"),
        (b'{"a":' * 200_000, "deeper than 32"),
        (b"{'a':1}", "not JSON"),
        (b'["tab\there"]', "not JSON"),
        (b"[1,]", "not JSON"),
    ],
)
def test_what_two_parsers_could_read_differently_is_refused(data: bytes, reason: str) -> None:
    assert reason in refusal(data)


def test_the_depth_is_counted_exactly() -> None:
    limits = Limits(json_depth=2)
    assert parse_json(b"[[1]]", where="x", limits=limits) == [[1]]
    with pytest.raises(SignatureFormatError):
        parse_json(b"[[[]]]", where="x", limits=limits)


def test_the_canonical_encoding_sorts_keys_and_writes_no_white_space_and_no_floats() -> None:
    assert encode_json({"b": [1, True, None], "a": "é"}) == '{"a":"é","b":[1,true,null]}'.encode()
    with pytest.raises(TypeError):
        encode_json({"a": [1.5]})


def test_fields_are_taken_by_their_exact_type_and_unknown_ones_are_refused() -> None:
    assert take_object({"a": 1}, "x", ("a",), ("b",)) == {"a": 1}
    for call, message in (
        (lambda: take_object([], "x", ()), "x is a list, not an object"),
        (lambda: take_object({}, "x", ("a",)), "x has no 'a'"),
        (lambda: take_object({"z": 1}, "x", ()), "x has an unknown field 'z'"),
        (lambda: take_list({}, "x"), "x is an object, not a list"),
        (lambda: take_string(None, "x"), "x is null, not a string"),
        (lambda: take_size(True, "x"), "x is a boolean, not an integer"),
        (lambda: take_size(1.0, "x"), "x is a number, not an integer"),
        (lambda: take_size(-1, "x"), "x is negative"),
    ):
        with pytest.raises(SignatureFormatError) as caught:
            call()
        assert caught.value.message == message


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=150)
@given(VALUES)
def test_what_is_encoded_parses_to_the_same_value_and_encodes_to_the_same_bytes(value: object) -> None:
    data = encode_json(value)
    assert parse_json(data, where="x") == value == json.loads(data)
    assert encode_json(parse_json(data, where="x")) == data


@settings(deadline=None, max_examples=200)
@given(
    st.binary(max_size=60)
    | st.text(alphabet='{}[]",:0123456789eE+-.\\utrfalsn ', max_size=40).map(str.encode)
)
def test_any_bytes_give_a_value_or_a_signature_format_error(data: bytes) -> None:
    try:
        value = parse_json(data, where="x")
    except SignatureFormatError as error:
        assert error.message.startswith("x ")
    else:
        assert value == json.loads(data)
