from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.region import Region
from secureload.formats.zeros import first_nonzero


@pytest.mark.parametrize("position", [0, 1, (1 << 20) - 1, 1 << 20, (3 << 20) + 5])
def test_the_first_byte_is_found_across_pieces(position: int) -> None:
    assert first_nonzero(Region(bytes(position) + b"\x01\x00\x01")) == position


def test_zeros_alone_hide_nothing() -> None:
    assert first_nonzero(Region(bytes(3 << 20))) == -1
    assert first_nonzero(Region(b"")) == -1


@given(st.binary(max_size=20))
def test_it_agrees_with_a_search_byte_by_byte(data: bytes) -> None:
    assert first_nonzero(Region(data)) == next((at for at, byte in enumerate(data) if byte), -1)
