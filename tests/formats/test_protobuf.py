from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import ArtifactError, LimitError, MalformedError
from secureload.formats.item_count import ItemCount
from secureload.formats.protobuf import BYTES, FIXED32, FIXED64, VARINT, Field, fields, signed
from secureload.formats.region import Region
from secureload.limits import Limits

from .feeding import mutated
from .wire import key, message, one, varint


def read(data: bytes, runs: frozenset[int] = frozenset(), **limits: int) -> list[Field]:
    return list(fields(Region(data), ItemCount(Limits(**limits)), runs=runs))


def test_each_kind_of_field_is_shown_with_its_place() -> None:
    data = message((1, 300), (2, "text"), (3, 1.5)) + key(4, 1) + struct.pack("<q", -2)
    assert read(data) == [
        Field(1, VARINT, 300, 3),
        Field(2, BYTES, 4, 5),
        Field(3, FIXED32, 0x3FC00000, 10),
        Field(4, FIXED64, (1 << 64) - 2, 15),
    ]


def test_a_number_is_read_as_the_signed_one_that_it_stands_for() -> None:
    (field,) = read(one(1, -5))
    assert signed(field.value) == -5
    assert signed(5) == 5


def test_a_payload_of_gigabytes_is_stepped_over() -> None:
    size = 3 << 20
    data = one(7, bytes(size)) + one(1, 2)
    assert [field.value for field in read(data)] == [size, 2]


@pytest.mark.parametrize("amount", [1, 2, 5_000, 300_000])
def test_a_row_of_floats_comes_as_one_field(amount: int) -> None:
    data = one(1, "x") + one(7, 0.5) * amount + one(2, 9)
    assert [(field.number, field.times) for field in read(data)] == [(1, 1), (7, amount), (2, 1)]


@pytest.mark.parametrize("amount", [1, 2, 5_000, 300_000])
def test_a_row_of_numbers_comes_as_one_field_where_nobody_asks_for_them(amount: int) -> None:
    data = (one(8, 0) + one(8, 1 << 40) + one(8, -1)) * amount + one(9, 1)
    assert [(field.number, field.times) for field in read(data, frozenset((8,)))] == [(8, 3 * amount), (9, 1)]
    if amount == 2:
        assert len(read(data)) == 7


@pytest.mark.parametrize("amount", [1, 5_000])
def test_a_row_of_a_few_short_texts_is_stepped_over_once_each_was_met(amount: int) -> None:
    modes = one(9, "BRANCH_LEQ") + one(9, "LEAF") + one(9, "BRANCH_LEQ")
    found = read(modes * amount + one(1, 7), frozenset((9,)))
    assert [(field.number, field.times) for field in found] == [(9, 1), (9, 3 * amount - 1), (1, 1)]
    many = b"".join(one(9, f"text {number}") for number in range(50)) * 2
    assert sum(field.times for field in read(many, frozenset((9,)))) == 100


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x08", "cut off"),
        (b"\x80", "does not end"),
        (b"\x08" + b"\x80" * 10 + b"\x01", "does not end"),
        (b"\x00\x00", "number 0"),
        (varint((1 << 29) << 3) + b"\0", "number 536"),
        (b"\x12\x05abcd", "cut off"),
        (b"\x12" + b"\xff" * 9 + b"\x01", "cut off"),
        (b"\x0d\0\0\0", "cut off"),
        (b"\x09" + bytes(7), "cut off"),
        (b"\x0b\x0c", "wire type 3"),
        (b"\x0e", "wire type 6"),
    ],
)
def test_what_is_no_message_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        read(data)


def test_too_many_fields_are_a_limit_with_its_name_and_a_row_is_one() -> None:
    with pytest.raises(LimitError, match="structure_items"):
        read(one(1, 1) * 11, structure_items=10)
    assert len(read(one(1, 1) * 10, structure_items=10)) == 10
    assert len(read(one(1, 0.5) * 11, structure_items=1)) == 1


VALUES = (
    st.integers(-(1 << 63), (1 << 63) - 1) | st.binary(max_size=300) | st.floats(width=32, allow_nan=False)
)
ENTRIES = st.lists(st.tuples(st.integers(1, 40), VALUES), max_size=30)


@given(ENTRIES, st.sets(st.integers(1, 40)))
def test_what_was_encoded_is_read_back_with_or_without_rows(
    entries: list[tuple[int, int | float | bytes]], runs: set[int]
) -> None:
    data = message(*entries)
    assert sum(field.times for field in read(data, frozenset(runs))) == len(entries)
    flat = [field for field in read(data) for _ in range(field.times)]
    assert [field.number for field in flat] == [number for number, _ in entries]
    for field, (_, value) in zip(flat, entries, strict=True):
        if isinstance(value, int):
            assert signed(field.value) == value
        elif isinstance(value, bytes):
            assert data[field.offset : field.offset + field.value] == value


@given(
    st.binary(max_size=80)
    | mutated(message((1, 300), (2, "text"), (3, 1.5), (3, 2.5), (4, -1), (4, 5), (4, "a"), (4, "a")))
)
def test_any_bytes_are_fields_inside_the_message_or_an_error_of_ours(data: bytes) -> None:
    try:
        found = read(data, frozenset((4,)))
    except ArtifactError as error:
        assert error.message
    else:
        assert all(0 < field.offset <= len(data) and field.times > 0 for field in found)
