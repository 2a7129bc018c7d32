from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import LimitError, MalformedError
from secureload.formats.sevenzip_fields import Fields


def written(value: int) -> bytes:
    """A number as 7-Zip writes it: in as few bytes as it needs."""
    for extra in range(8):
        if value < 1 << (7 * (extra + 1)):
            first = (0xFF00 >> extra & 0xFF) | value >> (8 * extra)
            return bytes([first]) + (value & ((1 << 8 * extra) - 1)).to_bytes(extra, "little")
    return b"\xff" + value.to_bytes(8, "little")


@given(st.integers(0, (1 << 64) - 1))
def test_a_number_of_any_length_is_read_back(value: int) -> None:
    fields = Fields(written(value) + b"rest", 5)
    assert fields.number() == value
    assert fields.left == 4


def test_the_examples_of_the_format_are_read() -> None:
    for data, value in ((b"\x7f", 127), (b"\x80\x80", 128), (b"\xbf\xff", 16383), (b"\xc0\x00\x40", 16384)):
        assert Fields(data, 5).number() == value


@given(st.lists(st.booleans(), max_size=40))
def test_bits_stand_with_the_highest_first(values: list[bool]) -> None:
    data = bytearray(-(-len(values) // 8))
    for at, value in enumerate(values):
        data[at // 8] |= value << (7 - at % 8)
    assert Fields(bytes(data), 5).bits(len(values)) == values


def test_a_count_beyond_the_bound_is_a_limit_and_what_is_missing_malformed() -> None:
    with pytest.raises(LimitError):
        Fields(b"\x06", 5).count("files")
    for read in (Fields.byte, Fields.number, lambda fields: fields.take(1), lambda fields: fields.expect(3)):
        with pytest.raises(MalformedError):
            read(Fields(b"", 5))
    with pytest.raises(MalformedError):
        Fields(b"\x01", 5).internal()


def test_only_the_checksums_that_are_there_are_read() -> None:
    assert Fields(b"\x00\xa0" + b"\1\0\0\0\2\0\0\0", 5).checksums(3) == [1, None, 2]
    assert Fields(b"\x01\1\0\0\0", 5).checksums(1) == [1]
