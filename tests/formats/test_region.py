from __future__ import annotations

import io
import os
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats import region as region_module
from secureload.formats.region import Cursor, Region


def mapped(data: bytes) -> Region:
    descriptor = os.memfd_create("region")
    os.write(descriptor, data)
    return Region.mapped(descriptor, len(data))


MAKERS: list[Callable[[bytes], Region]] = [Region, mapped, lambda data: Region(bytearray(data))]


@pytest.mark.parametrize("make", MAKERS)
def test_nothing_outside_of_a_part_is_ever_given_out(make: Callable[[bytes], Region]) -> None:
    whole = make(b"secret|inside|secret")
    part = whole.part(7, 6)
    assert part.read_at(0, 100) == b"inside"
    assert part.read_at(-3, 2) == part.read_at(6, 1) == part.read_at(0, -1) == b""
    assert part.part(2, 100).read_at(0, 100) == b"side"
    assert part.part(-5, 100).size == 6
    assert part.part(50, 100).size == 0
    assert part.find(b"secret") == part.rfind(b"secret") == -1
    assert (part.find(b"i"), part.rfind(b"i"), part.find(b"i", 1), part.find(b"i", 1, 3)) == (0, 3, 3, -1)


@given(
    data=st.binary(max_size=300),
    cut=st.tuples(st.integers(0, 310), st.integers(0, 310)),
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("read"), st.integers(-1, 40)),
            st.tuples(st.just("readline"), st.just(0)),
            st.tuples(st.just("skip"), st.integers(-1, 40)),
            st.tuples(st.just("seek"), st.integers(0, 320)),
        ),
        max_size=12,
    ),
    kept=st.sampled_from([0, 1 << 20]),
)
def test_every_cursor_reads_as_a_file_of_the_same_bytes_would(
    data: bytes, cut: tuple[int, int], steps: list[tuple[str, int]], kept: int
) -> None:
    start, size = cut
    before = region_module._COPIED_BYTES
    region_module._COPIED_BYTES = kept - 1  # as if the region were too large to copy
    try:
        for make in MAKERS:
            part = make(data).part(start, size)
            file = io.BytesIO(data[start : start + size])
            cursor = part.cursor()
            for step, number in steps:
                assert cursor.head(5) == file.getvalue()[file.tell() : file.tell() + 5]
                if step == "read":
                    assert cursor.read(number) == file.read(number)
                elif step == "readline":
                    assert cursor.readline() == file.readline()
                elif step == "skip":
                    there = min(max(number, 0), max(len(file.getvalue()) - file.tell(), 0))
                    assert cursor.skip(number) == there
                    file.seek(there, 1)
                else:
                    number = min(number, len(file.getvalue()))
                    cursor.seek(number)
                    file.seek(number)
                assert cursor.tell() == file.tell()
    finally:
        region_module._COPIED_BYTES = before


def test_a_large_part_of_mapped_bytes_ends_where_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(region_module, "_COPIED_BYTES", -1)
    part = mapped(bytes(10_000) + b"abc\n" + b"x" * 10_000).part(10_000, 4)
    cursor = part.cursor()
    assert type(cursor) is not Cursor
    assert (cursor.tell(), cursor.read(100), cursor.read(1), cursor.tell()) == (0, b"abc\n", b"", 4)
    cursor.seek(-1, 2)
    assert (cursor.readline(), cursor.readline()) == (b"\n", b"")


def test_a_region_that_is_closed_keeps_no_descriptor_open() -> None:
    descriptor = os.memfd_create("region")
    os.write(descriptor, b"abc")
    before = len(os.listdir("/proc/self/fd"))
    whole = Region.mapped(descriptor, 3)
    assert whole.part(1, 2).read_at(0, 9) == b"bc"
    whole.close()
    Region(b"in memory").close()
    assert len(os.listdir("/proc/self/fd")) == before
    os.close(descriptor)
