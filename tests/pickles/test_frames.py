from __future__ import annotations

import pytest

from secureload.pickles.assembler import Assembler
from secureload.pickles.frames import broken_piece

TEXT = Assembler(None).text("abcd").code()  # X, four bytes of length, four of text


@pytest.mark.parametrize(
    ("frame_end", "piece"),
    [(0, -1), (1, -1), (2, 1), (4, 1), (5, -1), (6, 5), (8, 5), (9, -1), (30, -1)],
)
def test_the_length_and_the_text_are_pieces_of_their_own(frame_end: int, piece: int) -> None:
    assert broken_piece(TEXT, 0, frame_end) == piece


@pytest.mark.parametrize(("frame_end", "piece"), [(1, -1), (3, 1), (4, -1), (7, 4), (11, -1)])
def test_each_line_of_a_global_is_a_piece(frame_end: int, piece: int) -> None:
    assert broken_piece(b"cos\nsystem\n", 0, frame_end) == piece


def test_the_bytes_of_a_payload_are_joined_and_their_length_is_not() -> None:
    data = Assembler(None).binary(b"abcd").code()
    assert broken_piece(data, 0, 3) == 1
    assert broken_piece(data, 0, 7) == -1


def test_the_content_of_a_frame_is_a_piece() -> None:
    data = Assembler(None).frame(4).raw(b"NNNN").code()
    assert broken_piece(data, 0, 5) == 1
    assert broken_piece(data, 0, 11) == 9
    assert broken_piece(data, 0, 13) == -1


def test_opcodes_without_an_argument_and_bytes_that_are_none_are_never_broken() -> None:
    assert broken_piece(b"NR", 0, 1) == -1
    assert broken_piece(b"\x00\x01", 0, 1) == -1
