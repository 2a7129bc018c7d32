from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import ArtifactError, LimitError, MalformedError
from secureload.formats.item_count import ItemCount
from secureload.formats.region import Region
from secureload.formats.ubjson import Text, begins_as_ubjson, texts
from secureload.limits import Limits

from .feeding import mutated


def length(number: int) -> bytes:
    return b"L" + struct.pack(">q", number)


def name(key: str) -> bytes:
    return length(len(key.encode())) + key.encode()


def encoded(value: object) -> bytes:
    """As XGBoost writes it: lengths of 8 bytes, arrays of numbers with their kind and count."""
    if isinstance(value, dict):
        return b"{" + b"".join(name(key) + encoded(item) for key, item in value.items()) + b"}"
    if isinstance(value, list) and value and all(isinstance(item, float) for item in value):
        return b"[$d#" + length(len(value)) + b"".join(struct.pack(">f", item) for item in value)
    if isinstance(value, list):
        return b"[#" + length(len(value)) + b"".join(map(encoded, value))
    if isinstance(value, str):
        return b"S" + name(value)
    if isinstance(value, float):
        return b"D" + struct.pack(">d", value)
    if value is None or isinstance(value, bool):
        return {None: b"Z", True: b"T", False: b"F"}[value]
    assert isinstance(value, int)
    return b"l" + struct.pack(">i", value)


def read(data: bytes, **limits: int) -> list[Text | int]:
    chosen = Limits(**limits)
    return list(texts(Region(data), ItemCount(chosen), chosen))


def read_texts(data: bytes) -> list[tuple[str, bytes]]:
    return [(text.key, text.data.read_at(0, 99)) for text in read(data) if isinstance(text, Text)]


MODEL = encoded(
    {
        "learner": {
            "attributes": {"best": "7"},
            "names": ["a", "b"],
            "weights": [0.5] * 9,
            "n": 3,
            "none": None,
        }
    }
)


def test_the_texts_are_given_with_their_keys_and_the_end_at_last() -> None:
    assert read_texts(MODEL) == [("best", b"7"), ("names", b"a"), ("names", b"b")]
    assert read(MODEL)[-1] == len(MODEL)
    assert read(MODEL + b"tail")[-1] == len(MODEL)


@pytest.mark.parametrize(
    "data",
    [
        b"Z",
        b"[]",
        b"{}",
        b"[ZNTF]",
        b"[$T#i\x05",
        b"[#U\x02Z[]",
        b"{#i\x01i\x01aZ",
        b"{$S#i\x01i\x01ai\x01x",
        b"[$[#i\x02]]",
        b"SU\x01x",
        b"CxZ"[:2],
        b"HI\x00\x0212",
    ],
)
def test_every_kind_of_value_ends_where_it_ends(data: bytes) -> None:
    assert read(data)[-1] == len(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"[",
        b"{",
        b"]",
        b"{Z",
        b"[$d",
        b"[$d#",
        b"[$d]",
        b"S",
        b"Si\xff",
        b"SU\x05abc",
        b"[$d#L" + b"\x7f" * 8,
        b"{I\x7f\xff",
        b"{l\x00\xff\xff\xff",
    ],
)
def test_what_is_no_value_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        read(data)


def test_bombs_end_in_the_limit_that_has_their_name() -> None:
    with pytest.raises(LimitError, match="structure_depth"):
        read(b"[" * 100_000)
    with pytest.raises(LimitError, match="structure_items"):
        read(b"[" + b"Z" * 100, structure_items=50)
    assert read(b"[$Z#L" + b"\x7f" * 8)[-1] == 13


def test_an_array_of_a_million_numbers_is_one_step() -> None:
    assert read(encoded({"x": [0.5] * 1_000_000}), structure_items=3)[-1] == len(
        encoded({"x": [0.5] * 1_000_000})
    )


def test_only_an_object_with_a_key_begins_as_a_file_does() -> None:
    assert begins_as_ubjson(MODEL[:64], len(MODEL))
    assert begins_as_ubjson(b"{i\x03abc", 50)
    for data in (b"", b"{", b"{}", b'{"a": 1}', b"{i\x00", b"{L" + b"\xff" * 8, b"{i\x02\x00\x01", b"[$d#"):
        assert not begins_as_ubjson(data, len(data))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(width=32, allow_nan=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(VALUES)
def test_what_was_encoded_is_walked_to_its_end(value: object) -> None:
    assert read(encoded(value))[-1] == len(encoded(value))


@given(st.binary(max_size=60) | mutated(MODEL))
def test_any_bytes_are_walked_or_an_error_of_ours(data: bytes) -> None:
    try:
        found = read(data)
    except ArtifactError as error:
        assert error.message
    else:
        assert isinstance(found[-1], int)
        assert found[-1] <= len(data)
