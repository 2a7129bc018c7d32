from __future__ import annotations

import pickle
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.formats.region import Region
from secureload.pickles.assembler import Assembler
from secureload.pickles.lane import Lane, replay
from secureload.pickles.symbols import BYTES, LIST, NONE, SCALAR, SET, TUPLE
from secureload.pickles.walker import walk_stream


def lane(*, bulky: bool) -> Lane:
    """A lane that takes short runs; with ``bulky``, the kinds that it only looks for among many data."""
    found = Lane()
    if bulky:
        found.find_run(b"N" * 5_000, 0, 5_000, 4, 0)
    return found


def run_of(data: bytes, protocol: int = 4, memo_size: int = 0, *, bulky: bool = True) -> bytes:
    """The run at the beginning of ``data``, made long enough by what it begins with."""
    padding = b"N" * 600
    end, _ = lane(bulky=bulky).find_run(padding + data, 0, 600 + len(data), protocol, memo_size)
    return data[: max(end - 600, 0)]


def stored(data: bytes, protocol: int = 4, memo_size: int = 0) -> int:
    padding = b"N" * 600
    return lane(bulky=True).find_run(padding + data, 0, 600 + len(data), protocol, memo_size)[1]


@pytest.mark.parametrize(
    "data",
    [b"N\x88\x89)]}\x8f", b"K\x01M\x01\x02J\x01\x02\x03\x04G\x00\x00\x00\x00\x00\x00\x00\x00", b"\x8c\x05hello\x94",
     b"]\x94}\x94", b"K\x01\x85\x94", b"\x8a\x05\x01\x02\x03\x04\x05", b"\x8c\x40" + b"x" * 64],
)  # fmt: skip
def test_plain_data_of_protocol_4_is_a_run_with_and_without_memoize(data: bytes) -> None:
    assert run_of(data + b"R") == data
    assert stored(data + b"R") == data.count(b"\x94")


@pytest.mark.parametrize(
    "data",
    [b"K\x94", b"M\x01\x94", b"J\x94\x01\x01\x01", b"\x8c\x03a\x94b", b"cos\n", b"(", b"h\x00", b"j\x00\x00\x00\x00",
     b"\x8c\x41" + b"x" * 65, b"\x8c\x05abc", b"R", b"\x95" + bytes(8), b"q\x00", b"0", b"\x86", b"u"],
)  # fmt: skip
def test_a_byte_of_memoize_that_is_none_and_all_other_opcodes_end_a_run(data: bytes) -> None:
    assert run_of(b"N" + data) == b"N"


def test_a_short_run_is_left_to_the_walk_until_there_are_many_data() -> None:
    short = b"N" * 100 + b"R"
    young = Lane()
    assert young.find_run(short, 0, 101, 4, 0) == (0, 0)
    assert young.find_run(b"N" * 600, 0, 600, 4, 0) == (600, 0)
    assert lane(bulky=True).find_run(short, 0, 101, 4, 0) == (100, 0)
    for _ in range(40):
        young.find_run(short, 0, 101, 4, 0)
    assert young.find_run(short, 0, 101, 4, 0) == (100, 0)


def test_where_runs_are_reached_into_again_and_again_short_ones_are_given_up() -> None:
    found = lane(bulky=True)
    short = b"N" * 100 + b"R"
    for unfolded in range(100):
        found.find_run(short, 0, 101, 4, 0, unfolded)
    assert found.find_run(short, 0, 101, 4, 0, 100) == (0, 0)


def test_the_wait_for_a_run_doubles_while_there_is_none_and_begins_anew_behind_one() -> None:
    found = lane(bulky=True)
    before = found.wait(ord("N"))
    assert found.wait(ord("(")) == 1
    for _ in range(3):
        found.find_run(b"R", 0, 1, 4, 0)
    assert found.wait(ord("(")) == found.wait(ord("N")) == 8 * before
    found.find_run(b"N" * 100, 0, 100, 4, 0)
    assert found.wait(ord("N")) == before


def bulk_run(data: bytes, memo_size: int = 0) -> tuple[int, int]:
    return lane(bulky=True).find_run(data, 0, len(data), 4, memo_size)


def test_numbers_of_any_bytes_longer_texts_and_bytes_are_runs_among_many_data() -> None:
    floats = b"".join(b"G" + b"\x94" * 8 for _ in range(20))
    assert bulk_run(floats) == (180, 0)
    texts = b"".join(b"\x8c\xc8" + b"x" * 200 + b"\x94" for _ in range(5))
    assert bulk_run(texts) == (len(texts), 5)
    binary = b"".join(b"C\x10" + bytes(16) + b"\x94" for _ in range(5))
    assert bulk_run(binary) == (len(binary), 5)
    assert Lane().find_run(binary * 20, 0, 20 * len(binary), 4, 0) == (0, 0)


def test_a_get_belongs_to_a_run_once_it_is_sure_to_find_something() -> None:
    assert run_of(b"Nh\xffN", memo_size=255) == b"N"
    assert run_of(b"Nh\xffN", memo_size=256) == b"Nh\xffN"
    gets = b"".join(b"j" + struct.pack("<I", index) for index in range(290, 310))
    assert bulk_run(gets, 310) == (100, 0)
    assert bulk_run(gets, 309) == (0, 0)
    assert bulk_run(b"h\x00" * 20 + gets, 310) == (140, 0)
    assert bulk_run(gets, 200) == (0, 0)


def test_a_run_of_an_old_protocol_stores_under_the_indexes_that_follow_or_is_none() -> None:
    code = Assembler(None)
    for index in range(300, 400):
        code.text(f"word{index}").put(index).op("BININT1", b"r")
    data = code.code()
    assert Lane().find_run(data + b"q\x01", 0, len(data) + 2, 2, 300) == (len(data), 100)
    assert Lane().find_run(data, 0, len(data), 2, 299) == (0, 0)
    last = Assembler(None).raw(b"N" * 600).put(0xFFFFFFFF).code()
    assert Lane().find_run(last, 0, len(last), 2, 0xFFFFFFFF) == (0, 0)


_TOKENS = st.one_of(
    st.sampled_from([b"N", b"\x88", b")", b"]", b"K\x05", b"M\x01\x02", b"J\x01\x02\x03\x04", b"\x8a\x02\x01\x02",
                     b"N\x85", b"C\x02ab", b"\x8f"]),
    st.text(max_size=90).map(lambda text: Assembler(None).short_text(text).code()),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(_TOKENS, st.booleans()), min_size=10, max_size=40))
def test_a_run_is_replayed_to_what_it_pushes_and_stores(parts: list[tuple[bytes, bool]]) -> None:
    data = b"".join(token + (b"\x94" if kept else b"") for token, kept in parts)
    end, count = bulk_run(data)
    values, memo = replay(data[:end])
    assert len(memo) == count
    # What pickle itself makes of it, with nothing else around.
    built = pickle.loads(b"\x80\x04(" + data[:end] + b"t.")
    assert len(built) == len(values)
    kinds = {tuple: TUPLE, list: LIST, set: SET, bytes: BYTES, type(None): NONE, int: SCALAR, bool: SCALAR}
    for mine, theirs in zip(values, built, strict=True):
        assert (mine.decode("utf-8", "surrogatepass") if isinstance(mine, bytes) else mine) == (
            theirs if isinstance(theirs, str) else kinds[type(theirs)]
        )


def test_what_a_run_takes_from_the_memo_is_left_open() -> None:
    assert replay(b"h\x00h\x02N\x94j\x03\x00\x00\x00\x94") == ([-1, -3, NONE, -4], [NONE, -4])
    old = Assembler(None).text("a").put(7).none()
    assert replay(old.code()) == ([b"a", NONE], [b"a"])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(st.binary(max_size=30), _TOKENS), max_size=30).map(b"".join),
    st.sampled_from([0, 2, 4]),
    st.sampled_from([0, 256, 70_000]),
)
def test_whatever_a_pattern_matches_can_be_replayed(data: bytes, protocol: int, memo_size: int) -> None:
    data = b"N" * 70 + data
    end, count = lane(bulky=True).find_run(data, 0, len(data), protocol, memo_size)
    assert len(replay(data[:end])[1]) == count


@pytest.mark.parametrize(
    "unit",
    [b"\x8c\x40" + b"x" * 63, b"N\x85", b"K", b"h", b"j", b"G", b"N\x94", b"C\x05", b"\x8a\x09", b"]\x94"],
)
def test_a_hostile_run_is_matched_in_time_that_grows_with_it(unit: bytes) -> None:
    """Bytes on which a pattern that goes back would take time that grows with their square, and never end."""
    data = b"N" * 70 + unit * 100_000
    assert lane(bulky=True).find_run(data, 0, len(data), 4, 256)[0] >= 70


VALUES: dict[str, Any] = {
    "pairs": [(f"word{i}", i) for i in range(20_000)],
    "triples": [(i, i + 1, "x") for i in range(20_000)],
    "shared": [[f"word{i}" for i in range(70_000)]] * 2 + [["again", "again"] * 9_000],
    "lists": [[i, i + 1] for i in range(20_000)] + [[i] for i in range(9_000)] + [[]] * 900,
    "dictionaries": [{"a": i, "b": "x"} for i in range(20_000)] + [{"c": i} for i in range(9_000)],
    "sets": [{i, str(i)} for i in range(9_000)],
    "longer tuples": [(i, 1, 2, "four") for i in range(20_000)],
    "nested": [((i, 1), [(2, "a")], {"k": [i]}) for i in range(9_000)],
}


@pytest.mark.parametrize("name", VALUES)
def test_a_walk_in_runs_is_the_walk_of_each_opcode(name: str) -> None:
    value = VALUES[name]
    shared = [*value, *value[:5_000], "os", "system"]
    data = pickle.dumps(shared, 4)
    # What stands in the memo is still found: its last entries are the two names.
    names = len(walk_stream(Region(data).cursor()).events)
    fast, slow = (walk_stream(Region(data).cursor(), fast=fast) for fast in (True, False))
    assert fast == slow
    assert (fast.stopped, fast.anomalies, names) == ("", (), 0)


def test_names_are_found_through_runs_that_take_them_from_the_memo() -> None:
    code = Assembler(4).mark()
    for number in range(400):
        code.short_text(f"word{number}").memoize()
    for _ in range(300):  # each run stores again what the one before it took
        for number in range(150):
            code.get(399 - number).memoize()
        code.op("POP")
    code.op("TUPLE").pop()
    last = 400 + 300 * 150 - 1
    found = walk_stream(Region(code.get(last).get(last - 1).op("STACK_GLOBAL").stop()).cursor())
    (imported,) = found.imports
    assert str(imported.target) == "word250:word251"
