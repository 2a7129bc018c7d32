from __future__ import annotations

import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import MalformedError
from secureload.formats.region import Region
from secureload.formats.tar_extended import (
    pax_number,
    pax_records,
    pax_sparse,
    sparse_in_data,
    sparse_in_header,
)
from secureload.formats.tar_header import parse_header
from secureload.limits import DEFAULT_LIMITS

from .tars import header, record

KEYWORDS = st.text(st.characters(exclude_characters="=\0", exclude_categories=["Cs"]), min_size=1, max_size=8)
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=90)


@given(st.dictionaries(KEYWORDS, VALUES, max_size=5))
@settings(deadline=None)
def test_the_records_that_tarfile_writes_are_read_back(records: dict[str, str]) -> None:
    written = tarfile.TarInfo._create_pax_generic_header(records, tarfile.XHDTYPE, "utf-8")  # type: ignore[attr-defined]
    size = parse_header(written[:512]).size
    assert pax_records(written[512 : 512 + size]) == {name: [value] for name, value in records.items()}


@pytest.mark.parametrize(
    "data",
    [
        b"9 path=x",
        b"9 path=xy",
        b"path=x\n",
        b"0 a=b\n",
        b"6 a=b\nrest",
        b"99 a=b\n",
        b"5 ab\n",
        b"4 =\n",
        b"-6 a=b\n",
        b"1" * 30 + b" a=b\n",
    ],
)
def test_a_record_that_is_not_whole_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        pax_records(data)


@given(st.binary(max_size=60))
@settings(deadline=None)
def test_any_bytes_are_records_or_malformed(data: bytes) -> None:
    try:
        assert all(pax_records(data).values())
    except MalformedError:
        return


def test_a_size_is_a_decimal_number_or_malformed() -> None:
    assert pax_number({"size": ["3", "17"]}, "size") == 17
    assert pax_number({}, "size") is None
    for value in ("-1", "0x1", "", "1e9", "٣", "9" * 21):
        with pytest.raises(MalformedError):
            pax_number({"size": [value]}, "size")


def test_the_maps_of_all_four_sparse_formats_are_read() -> None:
    expected = [(0, 512), (2048, 3)]
    repeated = pax_records(
        record("GNU.sparse.size", "4000")
        + b"".join(
            record("GNU.sparse.offset", str(offset)) + record("GNU.sparse.numbytes", str(length))
            for offset, length in expected
        )
    )
    assert pax_sparse(repeated) == expected
    assert pax_sparse({"GNU.sparse.map": ["0,512,2048,3"]}) == expected
    assert pax_sparse({}) is None
    in_data = Region(b"2\n0\n512\n2048\n3\n".ljust(512, b"\0") + b"rest")
    assert sparse_in_data(in_data, 0, in_data.size, DEFAULT_LIMITS) == (expected, 512)
    old = header(kind=b"S", _386=b"%011o\0%011o\0" % (0, 512), _482=b"\1", _483=b"%011o\0" % 4000)
    more = (b"%011o\0%011o\0" % (2048, 3)).ljust(512, b"\0")
    assert sparse_in_header(parse_header(old), Region(more), 0, DEFAULT_LIMITS) == (expected, 4000, 512)


@pytest.mark.parametrize("text", ["1,2,3", "a,b", "", "1,-2"])
def test_a_map_with_a_number_that_is_none_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        pax_sparse({"GNU.sparse.map": [text]})


@pytest.mark.parametrize("text", [b"2\n0\n1\n", b"x\n", b"9" * 30, b"99999999999999\n0\n1\n", b""])
def test_a_map_in_the_data_that_breaks_off_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedError):
        sparse_in_data(Region(text), 0, len(text), DEFAULT_LIMITS)


def test_a_map_that_is_continued_for_ever_is_malformed() -> None:
    old = header(kind=b"S", _482=b"\1")
    block = ((b"%011o\0%011o\0" % (1, 1)) * 21 + b"\1").ljust(512, b"\0")
    with pytest.raises(MalformedError, match="cut off"):
        sparse_in_header(parse_header(old), Region(block * 4000), 0, DEFAULT_LIMITS)
