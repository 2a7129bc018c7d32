from __future__ import annotations

import io
import pickle
import pickletools
from typing import Any

import joblib
import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.formats.region import Region
from secureload.pickles.assembler import Assembler
from secureload.pickles.listing import listing

from .programs import SOUPS, programs
from .tracing import trace

RUN = Assembler(4).global_("os", "system").mark().text("echo hello").tuple_().reduce()


def listed(data: bytes, offset: int, **options: Any) -> list[str]:
    return listing(Region(data).cursor(), offset, **options)


def offsets(lines: list[str]) -> list[int]:
    return [int(line[1:].partition(":")[0].replace(",", "")) for line in lines]


def names(lines: list[str]) -> list[str]:
    return [line.partition(": ")[2].split(" ")[0] for line in lines]


def test_the_opcode_is_marked_and_those_around_it_are_shown_with_their_arguments() -> None:
    data = RUN.stop()
    assert listed(data, data.index(b"R")) == [
        "           0: PROTO            4",
        "           2: GLOBAL           os system",
        "          13: MARK",
        "          14: BINUNICODE       'echo hello'",
        "          29: TUPLE",
        ">         30: REDUCE",
        "          31: STOP",
    ]
    assert names(listed(data, 13, before=1, after=2)) == ["GLOBAL", "MARK", "BINUNICODE", "TUPLE"]
    assert names(listed(data, 13, before=0, after=0)) == ["MARK"]


def test_an_offset_inside_of_an_argument_shows_its_opcode() -> None:
    lines = listed(RUN.stop(), 20, before=0, after=0)
    assert (names(lines), lines[0][0]) == (["BINUNICODE"], ">")


def test_an_offset_that_is_not_known_has_no_lines_and_one_behind_the_end_the_last() -> None:
    assert listed(RUN.stop(), -1) == []
    assert names(listed(RUN.stop(), 10_000, before=1, after=0)) == ["REDUCE", "STOP"]
    assert listed(b"", 0) == []


def test_every_kind_of_argument_is_shown_as_what_it_is() -> None:
    code = (
        Assembler(4)
        .integer(-5)
        .integer(1 << 70)
        .floating(0.5)
        .text("ü\x1b[31m")
        .binary(b"\x00a")
        .short_text("x" * 90)
    )
    code.line("INST", "a", "b").line("INT", "7").op("EXT2", b"\x01\x01").counted("LONG4", bytes(90)).frame(7)
    shown = [line.partition(": ")[2] for line in listed(code.stop(), 0, after=30)]
    assert shown[1:] == [
        "BININT           -5", f"LONG1            {1 << 70}", "BINFLOAT         0.5", "BINUNICODE       'ü\\x1b[31m'",
        "BINBYTES         b'\\x00a'", f"SHORT_BINUNICODE '{'x' * 48}'… (90 bytes)", "INST             a b",
        "INT              7", "EXT2             257", "LONG4            an integer of 90 bytes", "FRAME            7",
        "STOP",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("tail", "last"),
    [(b"\xff", "0xff is no opcode"), (b"cos\nsystem", "GLOBAL without the end of its line"),
     (b"\x8b\xff\xff\xff\xff", "LONG4 of -1 bytes")],
)  # fmt: skip
def test_bytes_that_are_no_opcode_are_the_last_line(tail: bytes, last: str) -> None:
    lines = listed(RUN.code() + tail, len(RUN.code()))
    assert lines[-1].endswith(last)
    assert lines[-1][0] == ">"


def test_what_stands_behind_millions_of_opcodes_or_large_bytes_is_shown_at_its_offset() -> None:
    words = (
        Assembler(4).raw(pickle.dumps({f"word{i}": i for i in range(50_000)})[2:-1]).binary(bytes(1 << 20))
    )
    data = words.code() + RUN.code()[2:] + b"."
    lines = listed(data, len(data) - 2, before=5)
    assert names(lines) == ["BINBYTES", "GLOBAL", "MARK", "BINUNICODE", "TUPLE", "REDUCE", "STOP"]
    assert offsets(lines)[-2] == len(data) - 2


def test_the_bytes_of_joblib_s_arrays_are_one_line_each() -> None:
    file = io.BytesIO()
    joblib.dump([numpy.arange(1_000), numpy.arange(5), "behind"], file)
    data = file.getvalue()
    found = trace(data)
    (first, second) = [section for section in found.sections if section.kind == "array"]
    lines = listed(data, second.end, before=60, sections=found.sections)
    shown = [line for line in lines if "of an array" in line]
    assert [offsets([line])[0] for line in shown] == [first.start, second.start]
    behind = lines[lines.index(shown[1]) + 1 :]
    assert "SHORT_BINUNICODE" in names(behind)
    assert any("'behind'" in line for line in behind)


def expected(data: bytes) -> list[tuple[int, str]]:
    found = []
    try:
        for opcode, _, position in pickletools.genops(data):
            found.append((position or 0, opcode.name))
    except Exception:
        return found
    return found


@settings(max_examples=200, deadline=None)
@given(programs(), st.integers(0, 300))
def test_the_lines_are_those_of_pickletools(data: bytes, offset: int) -> None:
    theirs = expected(data)
    lines = listed(data, offset, before=1_000, after=1_000)
    ours = list(zip(offsets(lines), names(lines), strict=True))
    assert ours[: len(theirs)] == theirs


@settings(max_examples=300, deadline=None)
@given(st.one_of(SOUPS, st.binary(max_size=300)), st.integers(-1, 400), st.integers(0, 5), st.integers(0, 5))
def test_any_bytes_give_a_few_printable_lines(data: bytes, offset: int, before: int, after: int) -> None:
    lines = listed(data, offset, before=before, after=after)
    assert len(lines) <= before + 1 + after
    assert all(line.isprintable() and len(line) < 400 for line in lines)
    assert len({line[0] for line in lines} - {" "}) <= 1
    assert all(0 <= start <= len(data) for start in offsets(lines))
