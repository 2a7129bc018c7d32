from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import ArtifactError, LimitError, MalformedError
from secureload.formats.json_text import JsonText, parse_json_text
from secureload.limits import Limits
from tests.pickles.memory import most_memory


def parsed(data: bytes, **limits: int) -> JsonText:
    return parse_json_text(data, where="the header", limits=Limits(**limits))


def test_a_repeated_key_is_reported_however_it_is_spelled_and_the_last_value_counts() -> None:
    assert parsed(b'{"a":1,"b":{"x":1,"\\u0078":2},"a":3}') == JsonText({"a": 3, "b": {"x": 2}}, ("x", "a"))


def test_a_million_repeated_keys_are_reported_a_hundred_times() -> None:
    assert len(parsed(b"{" + b'"a":1,' * 1_000_000 + b'"a":1}').repeated) == 100
    assert len(parsed(b"[" + b'{"a":1,"a":2},' * 200 + b"1]").repeated) == 100


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        '{"a":1}'.encode("utf-16"),
        b'\xef\xbb\xbf{"a":1}',
        b"{} {}",
        b'{"a":1}\0',
        b"{'a':1}",
        b"[1,]",
        b'["tab\there"]',
    ],
)
def test_what_is_no_json_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError, match=r"^the header is not"):
        parsed(data)


@pytest.mark.parametrize(
    ("data", "limits", "name"),
    [
        (b'"12345678"', {"json_text_bytes": 9}, "json_text_bytes"),
        (b"[[1]]", {"json_text_depth": 1}, "json_text_depth"),
        (b"[" * 200_000, {}, "json_text_depth"),
        (b'{"a":' * 200_000, {}, "json_text_depth"),
        (b"1" * 1_000_000, {}, "json_number_chars"),
        (b"[-" + b"1" * 5_000 + b"]", {}, "json_number_chars"),
    ],
)
def test_a_bomb_ends_in_the_limit_that_has_its_name(data: bytes, limits: dict[str, int], name: str) -> None:
    with pytest.raises(LimitError) as caught:
        parsed(data, **limits)
    assert caught.value.fields["limit"] == name
    assert name in caught.value.hint


def test_what_models_hold_is_kept() -> None:
    value = parsed(b'[NaN, Infinity, 1e999, 340282366920938463463374607431768211455, "\\ud800"]').value
    assert isinstance(value, list)
    assert math.isnan(value[0])
    assert value[1:] == [math.inf, math.inf, 2**128 - 1, "\ud800"]


@given(st.binary() | st.text(alphabet='{}[]",:\\u01aeENn-. \n').map(str.encode))
def test_any_bytes_are_a_value_that_python_reads_too_or_an_error_of_ours(data: bytes) -> None:
    try:
        value = parsed(data).value
    except ArtifactError as error:
        assert error.message.isprintable()
    else:
        assert repr(value) == repr(json.loads(data.decode()))


@pytest.mark.parametrize(
    ("data", "limit"),
    [
        (b"[" + b"[]," * 2_000_001 + b"0]", "json_collections_items"),
        (b"[" + b"{}," * 2_000_001 + b"0]", "json_collections_items"),
        (b"[" + b"1," * 10_000_001 + b"0]", "json_text_items"),
        (b"[" + b"[]," * 20_000_000 + b"0]", "json_text_items"),
    ],
    ids=["lists", "objects", "numbers", "60 MB of lists"],
)
def test_many_small_values_that_take_much_memory_end_in_a_named_limit_before_they_are_parsed(
    data: bytes, limit: str
) -> None:
    def named() -> object:
        with pytest.raises(LimitError) as error:
            parsed(data)
        return error.value.fields["limit"]

    memory, found = most_memory(named)
    assert found == limit
    assert memory < 1 << 20


def test_as_many_values_as_a_large_model_has_are_parsed() -> None:
    assert parsed(b"[" + b"[1,2,3]," * 100_000 + b"0]").value
