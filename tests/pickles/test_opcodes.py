from __future__ import annotations

import contextlib
import pickletools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.pickles.opcodes import HIGHEST_PROTOCOL, OPCODES, argument_end

_WIDTHS = {pickletools.TAKEN_FROM_ARGUMENT1: 1, pickletools.TAKEN_FROM_ARGUMENT4: 4,
           pickletools.TAKEN_FROM_ARGUMENT4U: 4, pickletools.TAKEN_FROM_ARGUMENT8U: 8}  # fmt: skip


def test_the_table_is_that_of_pickletools() -> None:
    theirs = {ord(opcode.code): opcode.name for opcode in pickletools.opcodes}
    assert {code: opcode.name for code, opcode in OPCODES.items()} == theirs
    assert max(opcode.proto for opcode in pickletools.opcodes) == HIGHEST_PROTOCOL


@pytest.mark.parametrize("theirs", pickletools.opcodes, ids=lambda opcode: opcode.name)
def test_each_argument_is_delimited_as_pickletools_says(theirs: pickletools.OpcodeInfo) -> None:
    ours = OPCODES[ord(theirs.code)]
    if theirs.arg is None:
        assert (ours.fixed, ours.counted, ours.lines) == (0, 0, 0)
    elif theirs.arg.n >= 0:
        assert (ours.fixed, ours.counted, ours.lines) == (theirs.arg.n, 0, 0)
    elif theirs.arg.n == pickletools.UP_TO_NEWLINE:
        assert (ours.fixed, ours.counted) == (0, 0)
        assert ours.lines == (2 if "pair" in theirs.arg.name else 1)
    else:
        assert (ours.fixed, ours.counted, ours.lines) == (0, _WIDTHS[theirs.arg.n], 0)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(pickletools.opcodes), st.binary(max_size=40))
def test_an_opcode_ends_where_pickletools_goes_on(theirs: pickletools.OpcodeInfo, tail: bytes) -> None:
    data = theirs.code.encode("latin-1") + tail + b"N."
    found: list[int] = []
    with contextlib.suppress(Exception):  # what it cannot decode ends it; what it had read before counts
        found.extend(position for _, _, position in pickletools.genops(data))
    if len(found) > 1:
        assert argument_end(OPCODES[data[0]], data, 1) == found[1]


def test_an_argument_that_is_not_all_there_is_told_from_one_that_is_only_long() -> None:
    unicode = OPCODES[ord("X")]
    assert argument_end(unicode, b"X\x00\x00", 1) == -1
    assert argument_end(unicode, b"X\x10\x00\x00\x00abc", 1) == 21
    assert argument_end(OPCODES[ord("c")], b"cos\nsystem", 1) == -1
    assert argument_end(OPCODES[0x8B], b"\x8b\xff\xff\xff\xff", 1) == -1
