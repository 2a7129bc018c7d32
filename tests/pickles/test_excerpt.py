"""The opcodes around a place: those that pickletools lists, in any bytes, within bounds."""

from __future__ import annotations

import pickle
import pickletools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.formats.region import Region
from secureload.limits import Limits
from secureload.pickles.excerpt import excerpts

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def around(data: bytes, *offsets: int, **options: Any) -> dict[int, tuple[str, ...]]:
    return excerpts(Region(data).cursor(), offsets, **options)


def test_the_opcode_is_marked_among_a_few_before_and_behind_it() -> None:
    data = b"\x80\x04cposix\nsystem\n\x8c\x0aecho hello\x85R0N."
    found = around(data, data.index(b"R0N"))
    assert found[data.index(b"R0N")] == (
        "   0: PROTO 4",
        "   2: GLOBAL posix system",
        "  16: SHORT_BINUNICODE 'echo hello'",
        "  28: TUPLE1",
        "> 29: REDUCE",
        "  30: POP",
        "  31: NONE",
    )


def test_an_offset_inside_of_an_opcode_is_that_opcode() -> None:
    data = b"\x80\x04cposix\nsystem\n."
    assert around(data, 9)[9][1] == ">  2: GLOBAL posix system"


def test_arguments_are_shown_as_one_would_write_them_and_cut_with_their_size() -> None:
    data = (
        b"G?\xf8\x00\x00\x00\x00\x00\x00J\xff\xff\xff\xff\x8a\x01\xfeX\x03\x00\x00\x00\xc3\xa9\x1b"
        b"C\x02\x00\xffI12\nB\xf0\x00\x00\x00" + b"z" * 240 + b"."
    )
    lines = [line for offset in range(0, 40, 3) for found in around(data, offset).values() for line in found]
    shown = {line.partition(": ")[2] for line in lines}
    assert {"BINFLOAT 1.5", "BININT -1", "LONG1 -2", "BINUNICODE 'é\\x1b'"} <= shown
    assert {"SHORT_BINBYTES b'\\x00\\xff'", "INT 12"} <= shown
    assert any(text.startswith("BINBYTES b'zzz") and text.endswith("(244 bytes)") for text in shown)
    assert all(line.isprintable() for line in lines)


def test_raw_bytes_between_opcodes_are_stepped_over() -> None:
    data = b"\x80\x04N" + b"\xff" * 200_000 + b"N0."
    end = len(data) - 3
    assert around(data, end) == {}
    assert around(data, end, gaps=[(3, end)])[end][-3:] == (
        f"> {end}: NONE",
        f"  {end + 1}: POP",
        f"  {end + 2}: STOP",
    )


def test_a_long_argument_is_not_read() -> None:
    class Counting:
        """A stream that counts what is read of it."""

        def __init__(self, data: bytes) -> None:
            self._inner, self.bytes_read = Region(data).cursor(), 0

        def read(self, size: int, /) -> bytes:
            found = self._inner.read(size)
            self.bytes_read += len(found)
            return found

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    size = 50 << 20
    stream: Any = Counting(b"\x80\x05\x8e" + size.to_bytes(8, "little") + bytes(size) + b"0N.")
    assert list(excerpts(stream, [11 + size])) == [11 + size]
    assert stream.bytes_read < 1 << 20


@pytest.mark.parametrize("protocol", range(6))
@given(value=VALUES, data=st.data())
@settings(deadline=None, max_examples=30)
def test_offsets_and_names_are_those_of_pickletools(protocol: int, value: Any, data: st.DataObject) -> None:
    payload = pickle.dumps(value, protocol=protocol)
    listed = [(at, opcode.name) for opcode, _, at in pickletools.genops(payload) if at is not None]
    place = data.draw(st.integers(0, len(listed) - 1))
    (lines,) = around(payload, listed[place][0]).values()
    shown = [line[2:].split(": ", 1) for line in lines]
    first = max(0, place - 5)
    assert [(int(at), text.split(" ")[0]) for at, text in shown] == listed[first : place + 3]
    assert [line[0] for line in lines].index(">") == place - first


@given(data=st.binary(max_size=300), offsets=st.lists(st.integers(-5, 400), max_size=5))
@settings(deadline=None, max_examples=200)
def test_any_bytes_give_printable_lines(data: bytes, offsets: list[int]) -> None:
    found = around(data, *offsets)
    assert set(found) <= set(offsets)
    for lines in found.values():
        assert 1 <= len(lines) <= 8
        assert all(line.isprintable() and len(line) < 150 for line in lines)
        assert [line[0] for line in lines].count(">") == 1


def test_what_lies_beyond_the_limit_is_left_out() -> None:
    data = b"\x80\x04" + b"N0" * 100 + b"."
    assert around(data, 190, limits=Limits(explained_items=50)) == {}
    assert around(data, 190) != {}
