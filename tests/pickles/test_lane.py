from __future__ import annotations

import pickle
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.pickles.assembler import Assembler
from secureload.pickles.lane import lane_for, puts_in_order, replay
from secureload.pickles.symbols import LIST, NONE, SCALAR, TUPLE


def run_of(data: bytes, protocol: int = 4, memo_size: int = 0) -> bytes:
    found = lane_for(protocol, memo_size).match(data)
    assert found is not None
    return found.group()


@pytest.mark.parametrize(
    "data",
    [b"N\x88\x89)]}\x8f", b"K\x01M\x01\x02J\x01\x02\x03\x04G\x00\x00\x00\x00\x00\x00\x00\x00", b"\x8c\x05hello\x94",
     b"]\x94}\x94", b"K\x01\x85\x94", b"\x8a\x05\x01\x02\x03\x04\x05", b"\x8c\x40" + b"x" * 64],
)  # fmt: skip
def test_plain_data_of_protocol_4_is_a_run_with_and_without_memoize(data: bytes) -> None:
    assert run_of(data + b"R") == data


@pytest.mark.parametrize(
    "data",
    [b"K\x94", b"M\x01\x94", b"J\x94\x01\x01\x01", b"\x8c\x03a\x94b", b"cos\n", b"(", b"h\x00",
     b"\x8c\x41" + b"x" * 65, b"\x8c\x05abc", b"R", b"\x95" + bytes(8), b"q\x00", b"0"],
)  # fmt: skip
def test_a_byte_of_memoize_that_is_none_and_all_other_opcodes_end_a_run(data: bytes) -> None:
    assert run_of(b"N" + data) == b"N"


def test_a_get_belongs_to_a_run_once_it_is_sure_to_find_something() -> None:
    assert run_of(b"Nh\xffN", memo_size=255) == b"N"
    assert run_of(b"Nh\xffN", memo_size=256) == b"Nh\xffN"


def test_a_run_of_an_old_protocol_stores_under_the_indexes_that_follow_or_is_none() -> None:
    code = Assembler(None)
    for index in (300, 301, 302):
        code.text(f"word{index}").put(index).op("BININT1", b"r")
    assert run_of(code.code() + b"q\x01", 2) == code.code()
    assert puts_in_order(code.code(), 300) == 3
    assert puts_in_order(code.code(), 299) == -1
    assert puts_in_order(b"NNN", 5) == 0
    assert puts_in_order(Assembler(None).none().put(0).none().put(0).code(), 0) == -1
    assert puts_in_order(Assembler(None).none().put(0xFFFFFFFF).code(), 0xFFFFFFFF) in {1, -1}


_TOKENS = st.one_of(
    st.sampled_from([b"N", b"\x88", b")", b"]", b"K\x05", b"M\x01\x02", b"J\x01\x02\x03\x04", b"\x8a\x02\x01\x02"]),
    st.text(max_size=30).map(lambda text: Assembler(None).short_text(text).code()),
    st.just(b"N\x85"),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(_TOKENS, st.booleans()), max_size=40))
def test_a_run_is_cut_between_opcodes_and_its_memoize_bytes_are_its_memo(
    parts: list[tuple[bytes, bool]],
) -> None:
    data = b"".join(token + (b"\x94" if stored else b"") for token, stored in parts)
    run = run_of(data)
    values, memo = replay(run, 0, [])
    assert len(memo) == run.count(b"\x94")
    ends = {0}
    for token, stored in parts:
        ends |= {max(ends) + len(token)} | ({max(ends) + len(token) + 1} if stored else set())
    assert len(run) in ends or run[-1:] in {b"N", b"K"}
    assert len(values) <= len(parts)


def test_a_run_is_replayed_to_what_it_pushes_and_stores() -> None:
    code = Assembler(None).short_text("a").memoize().op("EMPTY_LIST").memoize().none().op("TUPLE1").integer(5)
    assert replay(code.code(), 0, []) == ([b"a", LIST, TUPLE, SCALAR], [b"a", LIST])
    gets = b"h\x00h\x02N\x94h\x03"
    assert replay(gets, 3, [b"x", b"y", b"z"]) == ([b"x", b"z", NONE, NONE], [NONE])
    old = Assembler(None).text("a").put(7).none()
    assert replay(old.code(), 7, []) == ([b"a", NONE], [b"a"])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([0, 2, 4]), st.sampled_from([0, 256]))
def test_whatever_a_pattern_matches_can_be_replayed(data: bytes, protocol: int, memo_size: int) -> None:
    run = run_of(data, protocol, memo_size)
    values, memo = replay(run, memo_size, [NONE] * memo_size)
    assert len(memo) <= len(values) + len(run)


def test_a_hostile_run_is_matched_in_one_pass() -> None:
    """Bytes on which a pattern that goes back would take time that grows with their square."""
    for unit in (b"\x8c\x40" + b"x" * 63, b"N\x85", b"K", b"h", struct.pack("<I", 5)):
        data = b"N" + unit * 100_000
        assert len(run_of(data)) >= 1
    assert len(run_of(pickle.dumps(["x"] * 10)[11:])) >= 0
