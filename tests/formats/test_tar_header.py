from __future__ import annotations

import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import MalformedError
from secureload.formats.tar_header import has_checksum, number, padded, parse_header, text

from .tars import header

NUMBERS = st.one_of(
    st.text("01234567 \0+-_o", max_size=12).map(lambda text: text.encode().ljust(12, b"\0")),
    st.binary(min_size=11, max_size=11).map(lambda tail: b"\x80" + tail),
    st.binary(min_size=11, max_size=11).map(lambda tail: b"\xff" + tail),
    st.binary(min_size=12, max_size=12),
)


@given(NUMBERS)
@settings(deadline=None, max_examples=300)
def test_a_number_is_the_one_that_tarfile_reads(field: bytes) -> None:
    try:
        expected = tarfile.nti(field)  # type: ignore[attr-defined]  # not documented, and what decides
    except tarfile.HeaderError:  # type: ignore[attr-defined]  # as above
        with pytest.raises(MalformedError):
            number(field)
        return
    assert number(field) == expected


@given(
    st.binary(min_size=100, max_size=100), NUMBERS, st.binary(max_size=8), st.sampled_from(b"\x00\x200LKSx5")
)
@settings(deadline=None, max_examples=200)
def test_a_header_is_one_exactly_where_tarfile_takes_it_for_one(
    name: bytes, size: bytes, checksum: bytes, kind: int
) -> None:
    block = bytearray(header(name, size, bytes([kind]), _345=b"a/b"))
    block[148 : 148 + len(checksum)] = checksum
    try:
        info = tarfile.TarInfo.frombuf(bytes(block), "utf-8", "surrogateescape")
    except tarfile.HeaderError:  # type: ignore[attr-defined]  # not documented
        info = None
    if not has_checksum(bytes(block)):
        assert info is None
        return
    try:
        found = parse_header(bytes(block))
    except MalformedError:
        assert info is None or info.size < 0
        return
    assert info is not None
    assert (found.size, found.kind) == (info.size, info.type)
    if name.isascii() and kind != ord("5"):
        assert found.name == info.name.rstrip("/") or found.name == info.name


def test_a_checksum_of_signed_bytes_counts_too() -> None:
    block = bytearray(header("é".encode()))
    signed = 256 + sum(byte - 256 if byte > 127 else byte for byte in block[:148] + block[156:])
    block[148:156] = b"%06o\0 " % signed
    assert has_checksum(bytes(block))


def test_zeros_and_cut_blocks_are_no_headers() -> None:
    assert not has_checksum(bytes(512))
    assert not has_checksum(header()[:511])
    assert not has_checksum(b"x" * 512)


def test_a_negative_size_is_malformed() -> None:
    with pytest.raises(MalformedError, match="negative"):
        parse_header(header(size=b"\xff" * 11 + b"\x00"))


def test_bytes_that_are_no_utf_8_become_escapes_and_never_surrogates() -> None:
    assert text(b"a\xffb\0rest") == "a\\xffb"


def test_sizes_are_padded_to_whole_blocks() -> None:
    assert [padded(size) for size in (0, 1, 512, 513)] == [0, 512, 512, 1024]
