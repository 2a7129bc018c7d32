from __future__ import annotations

import bz2
import io
import pickle
import pickletools
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.formats.expanding import ExpandingReader
from secureload.formats.region import Region
from secureload.limits import Limits
from secureload.pickles.assembler import Assembler
from secureload.pickles.symbols import KINDS
from secureload.pickles.trace import GlobalRef, Result
from secureload.pickles.walk import Walk
from secureload.pickles.walker import walk_stream

from .memory import most_memory
from .programs import SOUPS, programs
from .python_reader import Event, python_reads


def walk(data: bytes, **options: Any) -> Walk:
    return walk_stream(Region(data).cursor(), **options)


def events_of(found: Walk) -> list[tuple[str, int]]:
    return [(KINDS[event & 7], event >> 3) for event in found.events]


def counted(events: list[Event]) -> dict[tuple[str, object], tuple[int, int]]:
    """How often each kind of event happened to each target, and where first."""
    counts: dict[tuple[str, object], tuple[int, int]] = {}
    for kind, target, offset in events:
        before, first = counts.get((kind, target), (0, offset))
        counts[kind, target] = (before + 1, first)
    return counts


def counted_walk(found: Walk) -> dict[tuple[str, object], tuple[int, int]]:
    counts: dict[tuple[str, object], tuple[int, int]] = {
        ("import", seen.target): (seen.times, seen.offset) for seen in found.imports
    }
    counts.update(((op.kind, op.target), (op.times, op.offset)) for op in found.operations)
    return counts


SYSTEM = GlobalRef("os", "system")
RUN = Assembler(None).global_("os", "system").mark().text("echo hello").tuple_().reduce()
HIDDEN = Assembler(None).pop().raw(RUN.code()).code()


def refs(found: Walk) -> list[GlobalRef]:
    return [seen.target for seen in found.imports]


def codes(found: Walk) -> list[str]:
    return [anomaly.code for anomaly in found.anomalies]


def assert_calls_system(found: Walk, at: int) -> None:
    """``at`` is the offset of the GLOBAL."""
    (imported,) = [seen for seen in found.imports if seen.target == SYSTEM]
    (called,) = [op for op in found.operations if (op.kind, op.target) == ("call", SYSTEM)]
    assert (imported.offset, called.offset) == (at, at + len(RUN.code()) - 1)


# -- what each opcode is, and where -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (Assembler(0).mark().text("echo").line("INST", "os", "system"), "call"),
        (Assembler(0).mark().line("INST", "os", "system"), "new"),
        (Assembler(1).mark().global_("os", "system").text("echo").op("OBJ"), "call"),
        (Assembler(1).mark().global_("os", "system").op("OBJ"), "new"),
        (Assembler(4).stack_global("os", "system").op("EMPTY_TUPLE").reduce(), "call"),
        (Assembler(4).global_("os", "system").text("echo").op("TUPLE1").newobj(), "new"),
        (Assembler(4).global_("os", "system").op("EMPTY_TUPLE").empty_dict().newobj_ex(), "new"),
        (Assembler(4).global_("os", "system").none().build(), "build"),
        (Assembler(4).global_("os", "system").none().op("APPEND"), "append"),
        (Assembler(4).global_("os", "system").none().none().op("SETITEM"), "setitem"),
        (Assembler(4).global_("os", "system").mark().none().op("ADDITEMS"), "additem"),
    ],
    ids=["INST", "INST without arguments", "OBJ", "OBJ without arguments", "REDUCE", "NEWOBJ", "NEWOBJ_EX",
         "BUILD", "APPEND", "SETITEM", "ADDITEMS"],
)  # fmt: skip
def test_each_opcode_that_does_something_to_a_global_is_seen_where_it_stands(
    code: Assembler, kind: str
) -> None:
    found = walk(code.stop())
    assert refs(found) == [SYSTEM]
    (operation,) = found.operations
    opcode = {"INST": -11}.get("INST" if b"ios" in code.code() else "", -1)
    assert (operation.kind, operation.target) == (kind, SYSTEM)
    assert operation.offset == len(code.code()) + opcode
    assert found.stopped == ""


def test_filling_many_items_counts_as_many_events_as_the_unpickler_has() -> None:
    items = Assembler(4).global_("os", "environ").mark()
    for number in range(300):
        items.text(f"key {number}").integer(number)
    (filled,) = walk(items.op("SETITEMS").stop()).operations
    assert (filled.kind, filled.times) == ("setitem", 300)


def test_what_a_call_returns_is_told_from_what_is_called() -> None:
    code = Assembler(4).global_("builtins", "getattr").op("EMPTY_TUPLE").reduce().op("EMPTY_TUPLE").reduce()
    code.op("EMPTY_TUPLE").reduce()
    targets = [operation.target for operation in walk(code.stop()).operations]
    getattr_ = GlobalRef("builtins", "getattr")
    assert targets == [getattr_, Result("call", getattr_), Result("call", None)]


def test_persistent_ids_of_both_forms_are_seen() -> None:
    found = walk(Assembler(1).line("PERSID", "one").op("BINPERSID").stop())
    (persistent,) = found.operations
    assert (persistent.kind, persistent.times, persistent.offset) == ("persid", 2, 2)


def test_each_pickle_of_a_file_has_its_own_stack_memo_and_protocol() -> None:
    first = Assembler(2).global_("__builtin__", "eval").memoize().stop()
    found = walk(first + b"\x80\x04h\x00.")
    assert refs(found) == [GlobalRef("builtins", "eval")]
    assert (found.pickles, found.stopped) == (1, "nothing is stored in the memo under 0")
    assert found.stopped_at == len(first) + 2
    assert walk(first * 3).pickles == 3
    assert codes(walk(first * 3)) == []


def test_the_offsets_are_those_of_the_stream_however_long_the_arguments_are() -> None:
    bulk = Assembler(4).counted("BINBYTES8", bytes(700_000)).pop().text("x" * 300_000).pop()
    bulk.counted("BYTEARRAY8", bytes(5_000)).pop().line("UNICODE", "y" * 300_000)
    assert_calls_system(walk(bulk.code() + HIDDEN + b"."), len(bulk.code()) + 1)


def test_a_stream_that_cannot_be_moved_is_walked_alike() -> None:
    class Forward:
        def __init__(self, data: bytes) -> None:
            self._cursor = Region(data).cursor()
            self.read, self.readline = self._cursor.read, self._cursor.readline
            self.tell, self.skip, self.head = self._cursor.tell, self._cursor.skip, self._cursor.head

    names = Assembler(None).short_text("os").memoize().short_text("system").memoize()
    code = vocabulary(30_000) + names.raw(vocabulary(9_000)[2:]).get(30_001).get(30_002).code()
    code += Assembler(None).op("STACK_GLOBAL").stop()
    assert refs(walk_stream(Forward(code))) == [SYSTEM] == refs(walk(code))


# -- facts that led other readers astray --------------------------------------------------------------------


@pytest.mark.parametrize("number", [b"I0x10\n", b"I1_0\n", b"L0x10L\n", b"I\n", b"F1_0.5\n"])
def test_an_oddly_written_number_hides_nothing_and_is_noted(number: bytes) -> None:
    found = walk(b"\x80\x02" + number + HIDDEN + b".")
    assert_calls_system(found, 2 + len(number) + 1)
    assert codes(found) == ["number.odd"]


def test_a_proto_opcode_in_mid_stream_hides_nothing_is_noted_and_decides_how_names_are_read() -> None:
    found = walk(Assembler(4).none().proto(2).global_("__builtin__", "eval").stop())
    assert refs(found) == [GlobalRef("builtins", "eval")]
    assert codes(found) == ["proto.middle"]


def test_an_impossible_protocol_behind_the_payload_stops_the_walk_behind_the_payload() -> None:
    found = walk(b"\x80\x04N" + HIDDEN + b"\x80\xff.")
    assert_calls_system(found, 4)
    assert "protocol 255" in found.stopped


def crossing(readable: str) -> bytes:
    """A frame that ends in the second of the four length bytes of a text; the payload is in one reading only."""
    head = b"\x80\x04"
    if readable == "joined":
        # Joined, it is a text of 5 bytes; restarted, its length is 0x62610000, and no file has so many.
        return head + b"\x95" + struct.pack("<Q", 3) + b"X\x05\x00" + b"\x00\x00abcde" + HIDDEN + b"."
    # Restarted, the length is read behind the frame: 2, "ab"; joined, it is 0x0002_0000 and steps over everything.
    return head + b"\x95" + struct.pack("<Q", 3) + b"X\x00\x00" + b"\x02\x00\x00\x00ab" + HIDDEN + b"."


@pytest.mark.parametrize("readable", ["joined", "restarted"])
def test_a_frame_that_ends_in_an_argument_is_noted_and_each_reading_sees_its_own(readable: str) -> None:
    data = crossing(readable)
    readings = {frames: walk(data, frames=frames) for frames in ("joined", "restarted")}
    for frames, found in readings.items():
        assert "frame.crossed" in codes(found)
        assert refs(found) == ([SYSTEM] if frames == readable else [])
    assert_calls_system(readings[readable], data.index(b"cos\n"))


def test_a_frame_inside_of_a_frame_and_one_longer_than_the_file_hide_nothing() -> None:
    nested = Assembler(4).frame(600).none().frame(2).raw(HIDDEN)
    found = walk(nested.code())
    assert_calls_system(found, nested.code().index(b"cos"))
    assert codes(found) == ["frame.nested", "frame.beyond"]


def test_what_follows_a_stop_in_its_frame_is_the_next_pickle_or_was_read_with_the_first() -> None:
    inner = Assembler(None).raw(b"N.").raw(b"N" + HIDDEN + b".")
    data = Assembler(4).framed(inner).raw(b"N.").code()
    found = walk(data)
    assert_calls_system(found, data.index(b"cos"))
    assert (codes(found), found.pickles) == (["frame.rest"], 3)
    restarted = walk(data, frames="restarted")
    assert (refs(restarted), codes(restarted), restarted.pickles) == ([], ["frame.rest"], 2)


def test_an_extension_opcode_ends_the_unpickler_and_not_the_walk() -> None:
    for opcode in (b"\x82\x01", b"\x83\x01\x00", b"\x84\x01\x00\x00\x00"):
        found = walk(b"\x80\x02" + opcode + HIDDEN + b".")
        assert_calls_system(found, 2 + len(opcode) + 1)
        assert codes(found) == ["extension"]


def test_out_of_band_buffers_end_the_unpickler_and_not_the_walk() -> None:
    found = walk(Assembler(5).op("NEXT_BUFFER").op("READONLY_BUFFER").raw(HIDDEN).stop())
    assert_calls_system(found, 5)
    assert codes(found) == ["buffer.outside"]


def test_a_name_that_a_call_would_make_is_noted_as_computed() -> None:
    code = Assembler(4).text("os").global_("str", "lower").text("SYSTEM").op("TUPLE1").reduce()
    found = walk(code.op("STACK_GLOBAL").op("EMPTY_TUPLE").reduce().stop())
    assert codes(found) == ["name.computed"]
    assert "'os'" in found.anomalies[0].message
    assert found.operations[-1].target == Result("call", None)
    assert found.stopped == ""


def test_a_name_longer_than_any_is_noted_and_the_walk_goes_on() -> None:
    found = walk(Assembler(4).text("x" * 5_000).text("y").op("STACK_GLOBAL").raw(HIDDEN).stop())
    assert codes(found) == ["name.computed"]
    assert refs(found) == [SYSTEM]


def test_a_long_name_is_read_when_it_is_used() -> None:
    assert refs(walk(Assembler(4).stack_global("m" * 4_000, "n").stop())) == [GlobalRef("m" * 4_000, "n")]


@pytest.mark.parametrize(
    "name",
    [
        Assembler(None).line("STRING", r"'o\x73'"), Assembler(None).line("UNICODE", r"\u006fs"),
        Assembler(None).counted("SHORT_BINSTRING", b"os"), Assembler(None).counted("BINSTRING", b"os"),
    ],
    ids=["STRING", "UNICODE", "SHORT_BINSTRING", "BINSTRING"],
)  # fmt: skip
def test_a_name_from_an_opcode_of_python_2_is_read_and_noted(name: Assembler) -> None:
    found = walk(Assembler(4).raw(name.code()).text("system").op("STACK_GLOBAL").stop())
    assert refs(found) == [SYSTEM]
    assert codes(found) == ["name.old"]


def test_a_memo_entry_that_is_given_another_name_is_noted_and_the_last_one_counts() -> None:
    code = Assembler(4).text("math").put(0).pop().text("os").put(0).pop().get(0).text("system")
    found = walk(code.op("STACK_GLOBAL").stop())
    assert refs(found) == [SYSTEM]
    assert codes(found) == ["memo.overwritten"]


def test_memoize_goes_on_behind_indexes_that_were_put_ahead() -> None:
    # As in Python: the next index is the number of entries.
    code = Assembler(4).text("a").put(5).pop().text("os").memoize().pop().text("system").memoize().pop()
    found = walk(code.get(1).get(2).op("STACK_GLOBAL").stop())
    assert (refs(found), codes(found)) == ([SYSTEM], [])


def test_a_memo_index_of_four_thousand_million_allocates_nothing_and_is_noted() -> None:
    bomb = Assembler(4).none().put(0xFFFFFFFF)
    used, found = most_memory(lambda: walk(bomb.code() + HIDDEN + b"."))
    assert_calls_system(found, len(bomb.code()) + 1)
    assert codes(found) == ["memo.jump"]
    assert used < 2 << 20


@pytest.mark.parametrize("index", ["-1", "x", "1_0", "", "9" * 41])
def test_a_memo_index_that_is_no_plain_number_stops_the_walk_or_is_noted(index: str) -> None:
    found = walk(Assembler(0).none().line("PUT", index).stop())
    assert codes(found) == ["number.odd"] or "memo index" in found.stopped


def test_a_stream_that_ends_in_a_name_imports_what_python_s_unpickler_does() -> None:
    found = walk(b"\x80\x04cos\nsystemX")
    assert refs(found) == [SYSTEM]
    assert codes(found) == ["text.cut"]
    assert found.stopped == "the stream ends before the STOP of its pickle"


def test_arguments_that_are_no_tuple_are_called_by_the_python_unpickler() -> None:
    found = walk(
        Assembler(4).global_("os", "system").op("EMPTY_LIST").text("echo").op("APPEND").reduce().stop()
    )
    assert [operation.kind for operation in found.operations] == ["call"]


@pytest.mark.parametrize(
    "code",
    [b"0.", b"1.", b"t.", b"R.", b"(R.", b"\x80\x04N\x86.", b"h\x00.", b"\xff", b"N", b"(", b"X\x05\x00\x00\x00ab",
     b"\x80\x06.", b"NN\x81.", b"K\x01R.", b"\x8b\xff\xff\xff\xff.", b"}(Nu.", b"NNa.", b"(Nd.", b"S'a\n."],
)  # fmt: skip
def test_what_no_unpickler_takes_stops_the_walk_with_a_reason(code: bytes) -> None:
    found = walk(code)
    assert found.stopped
    assert 0 <= found.stopped_at <= len(code)
    assert python_reads(code).error is not None


def test_an_empty_stream_is_walked_at_once() -> None:
    assert walk(b"") == Walk()


# -- bombs --------------------------------------------------------------------------------------------------


def test_marks_in_each_other_end_at_a_limit() -> None:
    used, found = most_memory(lambda: walk(b"(" * 2_000_000))
    assert "MARKs in each other" in found.stopped
    assert used < 64 << 20


def test_a_billion_laughs_are_not_laughed() -> None:
    code = Assembler(4).text("lol").memoize()
    for _ in range(60):
        code.op("DUP").op("TUPLE2").memoize()
    assert walk(code.raw(HIDDEN).stop()).stopped == ""


def test_keys_that_hash_alike_cost_nothing() -> None:
    code = Assembler(4).empty_dict().mark()
    for number in range(2_000):
        code.integer(number * ((1 << 61) - 1)).none()
    assert walk(code.op("SETITEMS").stop()).stopped == ""


def test_more_distinct_imports_than_the_limit_stop_the_walk_with_its_name() -> None:
    code = Assembler(4)
    for number in range(30):
        code.global_("m", f"n{number}").pop()
    found = walk(code.none().stop(), limits=Limits(trace_globals=10))
    assert found.stopped.startswith("trace_globals")
    assert len(found.imports) == 10
    assert walk(b"N." * 20, limits=Limits(trace_pickles=10)).stopped.startswith("trace_pickles")


def vocabulary(words: int) -> bytes:
    """A dictionary of words, each memoized, without frames and without its STOP."""
    code = Assembler(4).empty_dict().memoize().mark()
    for number in range(words):
        code.short_text(f"word{number}").memoize().op("BININT2", struct.pack("<H", number & 0x7F7F))
    return code.op("SETITEMS").code()


def test_a_vocabulary_is_walked_in_little_memory_and_its_words_can_still_be_names() -> None:
    code = vocabulary(200_000) + Assembler(None).get(150_001).get(7).op("STACK_GLOBAL").stop()
    region = Region(code)
    used, found = most_memory(lambda: walk_stream(region.cursor()))
    assert refs(found) == [GlobalRef("word150000", "word6")]
    assert found.imports[0].offset == len(code) - 2
    assert used < 12 << 20


def test_what_is_kept_of_a_stream_that_cannot_be_moved_has_a_limit_with_a_name() -> None:
    code = vocabulary(100_000) + Assembler(None).get(7_007).get(7_008).op("STACK_GLOBAL").stop()
    stream = ExpandingReader(io.BytesIO(bz2.compress(code)), "bz2")
    found = walk_stream(stream, limits=Limits(walker_kept_bytes=1 << 19))
    assert found.stopped.startswith("walker_kept_bytes")
    again = ExpandingReader(io.BytesIO(bz2.compress(code)), "bz2")
    assert refs(walk_stream(again)) == [GlobalRef("word7006", "word7007")]


# -- what libraries write -----------------------------------------------------------------------------------


VALUES: list[Any] = [
    {"a": [1, 2.5, None, True, b"x", ("y", 1 << 90)], "b": {1, 2}, "c": frozenset({3})},
    [{f"key{i}": (i, str(i), float(i), [i]) for i in range(3_000)}],
    [f"wörd{i}" for i in range(3_000)] * 2,
    [bytes(70_000), bytearray(70_000), "z" * 70_000],
    [(i, i + 1) for i in range(2_000)],
]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", VALUES, ids=["mixed", "objects", "shared", "bulk", "pairs"])
@pytest.mark.parametrize("optimize", [False, True], ids=["", "optimized"])
def test_a_pickle_of_python_has_no_anomaly_and_both_walks_agree(
    value: Any, protocol: int, optimize: bool
) -> None:
    data = pickle.dumps(value, protocol)
    data = pickletools.optimize(data) if optimize else data
    fast, slow = walk(data), walk(data, fast=False)
    assert (fast.stopped, fast.anomalies, fast.pickles) == ("", (), 1)
    assert fast == slow
    assert list(fast.events) == list(slow.events)


# -- properties ---------------------------------------------------------------------------------------------


@settings(max_examples=400, deadline=None)
@given(programs(), st.booleans())
def test_the_walk_sees_what_the_python_unpickler_does_and_where(data: bytes, fast: bool) -> None:
    theirs, ours = python_reads(data), walk(data, fast=fast)
    seen = events_of(ours)
    expected = [(kind, offset) for kind, _, offset in theirs.events]
    # It may go on where only this inert reader ends: behind something that could be anything.
    assert seen[: len(expected)] == expected
    if theirs.error is None:
        assert ours.stopped == ""
        assert counted_walk(ours) == counted(theirs.events)


@settings(max_examples=600, deadline=None)
@given(SOUPS, st.booleans())
def test_the_walk_of_any_opcodes_sees_at_least_what_the_python_unpickler_does(
    data: bytes, fast: bool
) -> None:
    theirs, ours = python_reads(data), walk(data, fast=fast)
    expected = [(kind, offset) for kind, _, offset in theirs.events]
    assert events_of(ours)[: len(expected)] == expected
    for key, (count, first) in counted(theirs.events).items():
        ours_count, ours_first = counted_walk(ours)[key]
        assert ours_count >= count
        assert ours_first == first


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(programs(most=12), SOUPS), max_size=4), st.booleans())
def test_any_bytes_give_a_walk(parts: list[bytes], restarted: bool) -> None:
    data = b"".join(parts)
    found = walk(data, frames="restarted" if restarted else "joined")
    assert all(0 <= event >> 3 < len(data) for event in found.events)
    assert found.stopped_at <= len(data)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120))
def test_any_bytes_whatever_give_a_walk(data: bytes) -> None:
    assert isinstance(walk(data), Walk)


_DATA = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(1 << 70), 1 << 70), st.floats(), st.text(), st.binary()
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=30),
        st.dictionaries(st.text(max_size=70), inner, max_size=30),
        st.tuples(inner, inner),
    ),
    max_leaves=60,
)


@settings(max_examples=200, deadline=None)
@given(_DATA, st.integers(0, 5), st.integers(1, 40))
def test_runs_taken_as_a_whole_give_what_single_opcodes_give(value: Any, protocol: int, times: int) -> None:
    """Where the data repeat, there are runs; a global behind each finds its names in the memo."""
    data = pickle.dumps(
        [value] * 3 + [list(range(300)), [str(i) for i in range(times * 20)], value], protocol
    )
    fast, slow = walk(data), walk(data, fast=False)
    assert fast == slow
    assert (fast.stopped, fast.anomalies) == ("", ())
