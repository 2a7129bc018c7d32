"""Reading ahead: the same bytes in the same order, and errors where they belong."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.artifact.ahead import ReadAhead


def from_bytes(data: bytes, most: int = 1 << 30) -> Callable[[memoryview], memoryview]:
    """A source that fills at most ``most`` bytes at once."""
    at = 0

    def fill(chunk: memoryview) -> memoryview:
        nonlocal at
        piece = data[at : at + min(len(chunk), most)]
        at += len(piece)
        chunk[: len(piece)] = piece
        return chunk[: len(piece)]

    return fill


@given(st.binary(max_size=500), st.integers(1, 40), st.integers(1, 40))
def test_every_byte_comes_once_and_in_order(data: bytes, chunk: int, most: int) -> None:
    with ReadAhead(from_bytes(data, most), chunk) as ahead:
        assert b"".join(bytes(piece) for piece in ahead) == data


def test_a_piece_is_not_overwritten_while_it_is_worked_on() -> None:
    data = bytes(range(256)) * 40
    with ReadAhead(from_bytes(data), 64) as ahead:
        for number, piece in enumerate(ahead):
            before = bytes(piece)
            threading.Event().wait(0.0005)
            assert bytes(piece) == before == data[number * 64 : number * 64 + 64]


def test_what_the_source_raises_comes_after_what_it_gave() -> None:
    given_before = from_bytes(b"abcdef")

    def fill(chunk: memoryview) -> memoryview:
        piece = given_before(chunk)
        if not piece:
            raise OSError("the disk is gone")
        return piece

    seen = b""
    with pytest.raises(OSError, match="disk is gone"), ReadAhead(fill, 4) as ahead:
        for piece in ahead:
            seen += piece
    assert seen == b"abcdef"


def test_leaving_early_ends_the_thread() -> None:
    with ReadAhead(from_bytes(bytes(10_000)), 10) as ahead:
        for _ in ahead:
            break
    assert "secureload-read" not in {thread.name for thread in threading.enumerate()}
