from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.formats.region import Region
from secureload.pickles.symbols import WalkStop
from secureload.pickles.window import LOOK_AHEAD, Kept, Window

SIZE = 1 << 20
STREAM = bytes(range(256)) * (SIZE // 256)


def opened(data: bytes = STREAM, barriers: tuple[int, ...] = ()) -> Window:
    return Window(Region(data).cursor(), barriers)


def test_an_opcode_that_begins_in_the_safe_part_is_seen_with_much_behind_it() -> None:
    window = opened()
    assert window.advance(0) == 0
    assert (window.base, window.end, window.last) == (0, window.safe + LOOK_AHEAD, False)
    position = window.safe - 1
    assert window.advance(position) == 0
    assert window.base == position
    assert window.data[:300] == STREAM[position : position + 300]


def test_at_the_end_of_the_stream_zeros_follow_and_all_of_it_is_safe() -> None:
    window = opened(b"abc")
    window.advance(0)
    assert (window.end, window.safe, window.last) == (3, 3, True)
    assert window.data[:3] == b"abc"
    assert not any(window.data[3:])


def test_what_is_stepped_over_is_not_read() -> None:
    window = opened()
    window.advance(0)
    assert window.advance(900_000) == 0
    assert (window.base, window.data[:4]) == (900_000, STREAM[900_000:900_004])
    assert window.advance(200_000) > window.end
    assert window.last


def test_no_window_looks_beyond_a_barrier_and_what_comes_behind_it_is_the_caller_s_choice() -> None:
    window = opened(barriers=(1_000, 300_000))
    window.advance(0)
    assert (window.end, window.last, window.at_barrier) == (1_000, True, True)
    window.pass_barrier(5_000)
    window.advance(0)
    assert (window.base, window.data[:4]) == (5_000, STREAM[5_000:5_004])
    assert window.advance(400_000) > window.end
    assert window.at_barrier
    window.pass_barrier(300_000)
    assert window.advance(0) == 0
    assert window.base == 300_000


def test_a_line_is_found_however_far_it_goes_and_up_to_a_limit() -> None:
    data = b"x" * 600_000 + b"\n" + b"y" * 2_000_000
    window = opened(data)
    window.advance(0)
    assert window.find_line(0, 1 << 20) == 600_001
    assert window.find_line(600_001, 1 << 20) == 0
    assert not window.last
    short = opened(b"no newline")
    short.advance(0)
    assert short.find_line(0, 1 << 20) == 0
    assert short.last


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 400), st.integers(0, 500_000))
def test_what_is_cut_out_is_gone_and_offsets_are_those_of_the_stream(start: int, size: int) -> None:
    window = opened()
    window.advance(0)
    window.cut_out(start, start + size)
    assert window.offset(start - 1) == start - 1
    assert window.offset(start) == start + size
    window.advance(0)
    expected = (STREAM[:start] + STREAM[start + size :])[:2_000]
    assert window.data[:2_000] == expected
    assert window.offset(max(start - 1, 0)) == (start - 1 if start else size)


class _Forward:
    def __init__(self, data: bytes) -> None:
        cursor = Region(data).cursor()
        self.read, self.readline, self.tell = cursor.read, cursor.readline, cursor.tell
        self.skip, self.head = cursor.skip, cursor.head


@pytest.mark.parametrize("movable", [True, False])
def test_the_bytes_of_a_span_are_given_again(movable: bool) -> None:
    source = Region(STREAM).cursor() if movable else _Forward(STREAM)
    window, kept = Window(source), Kept(source, 1 << 20)
    window.advance(0)
    span, run = kept.text(window, 10, 20), kept.run(window, 20, 400, 7)
    window.advance(500_000)
    before = source.tell()
    assert kept.read(span) == STREAM[10:20]
    assert (kept.read(run), run.first) == (STREAM[20:400], 7)
    assert source.tell() == before
    assert (span.data is None) == movable


def test_more_than_the_budget_is_given_up_the_oldest_first_and_said_so() -> None:
    source = _Forward(STREAM)
    window, kept = Window(source), Kept(source, 2_500)
    window.advance(0)
    spans = [kept.text(window, start, start + 1_000) for start in (0, 1_000, 2_000)]
    assert kept.read(spans[2]) == STREAM[2_000:3_000]
    with pytest.raises(WalkStop, match="walker_kept_bytes"):
        kept.read(spans[0])
