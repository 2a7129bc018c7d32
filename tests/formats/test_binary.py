from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import MalformedError
from secureload.formats.binary import BinaryCursor
from secureload.formats.region import Region


def cursor(data: bytes, **options: object) -> BinaryCursor:
    return BinaryCursor(Region(data), "test", **options)  # type: ignore[arg-type]


def test_numbers_strings_and_steps_follow_each_other() -> None:
    reader = cursor(b"\x01\x02\x03\x04abcd\x05\x06")
    assert (reader.number(2), reader.number(2), reader.take(2)) == (0x0201, 0x0403, b"ab")
    reader.skip(2)
    assert (reader.left, reader.number(1), reader.at) == (2, 5, 9)


def test_the_order_of_bytes_can_be_big() -> None:
    assert cursor(b"\0\0\1\2", byteorder="big").number(4) == 258


@pytest.mark.parametrize("step", ["number", "take", "skip", "need"])
def test_beyond_the_end_there_is_nothing(step: str) -> None:
    reader = cursor(b"abc", at=1)
    with pytest.raises(MalformedError, match="3 bytes are wanted and 2 left") as caught:
        getattr(reader, step)(3)
    assert (caught.value.fields["offset"], reader.at) == (1, 1)


def test_a_position_behind_the_end_is_the_end() -> None:
    reader = cursor(b"abc", at=99)
    assert reader.left == 0
    with pytest.raises(MalformedError):
        reader.number(1)


@given(st.binary(max_size=200_000), st.lists(st.integers(0, 100_000), max_size=8), st.integers(1, 8))
def test_numbers_are_read_across_windows_and_after_jumps(data: bytes, jumps: list[int], size: int) -> None:
    reader = cursor(data)
    for at in jumps:
        reader.at = at
        if at + size <= len(data):
            assert reader.number(size) == int.from_bytes(data[at : at + size], "little")
