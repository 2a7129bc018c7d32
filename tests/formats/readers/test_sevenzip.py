from __future__ import annotations

import lzma

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import LimitError, MalformedError, UnsupportedError
from secureload.formats.readers import sevenzip
from secureload.limits import Limits
from tests.formats.sevenzips import CONTENT, WRITTEN, archive, number, wrapped

from .reading import content, run

READ = [
    "lzma2",
    "lzma",
    "bzip2",
    "deflate",
    "copy",
    "zstd",
    "delta, lzma2",
    "x86, lzma2",
    "x86, lzma",
    "arm, lzma2",
]
TWO = [("a.pkl", b"payload"), ("b.bin", b"\0" * 40)]


@pytest.mark.parametrize("method", READ)
def test_the_files_of_every_common_method_are_handed_on_byte_by_byte(method: str) -> None:
    read = run(sevenzip, WRITTEN[method])
    assert {child.name: content(child) for child in read.children} == {
        name: data for name, data in CONTENT.items() if data
    } | ({"empty": b""} if "empty" in read.names else {})
    assert {child.expect for child in read.children} == {"any"}
    assert (read.codes, read.problems, read.error) == ([], [], None)


@pytest.mark.parametrize(
    ("method", "said"), [("ppmd", "PPMd"), ("brotli", "Brotli"), ("password", "password")]
)
def test_what_has_no_decoder_here_is_unsupported_and_named(method: str, said: str) -> None:
    read = run(sevenzip, WRITTEN[method])
    assert [problem.kind for problem in read.problems] == ["unsupported"]
    assert said in read.problems[0].message


def test_an_archive_whose_names_have_a_password_too_is_unsupported() -> None:
    error = run(sevenzip, WRITTEN["password, header too"]).error
    assert isinstance(error, UnsupportedError)
    assert "password" in error.message


def test_a_link_is_told_and_one_that_leads_outside_as_such() -> None:
    assert run(sevenzip, WRITTEN["link"]).codes == ["sevenzip.link"]
    link = 0x8000 | 0o120777 << 16
    assert run(sevenzip, archive([("a", b"../../etc/passwd")], attributes=[link])).codes == [
        "sevenzip.link-outside"
    ]
    assert run(sevenzip, archive([("a", b"b")], attributes=[0x8000 | 0o060644 << 16])).codes == [
        "sevenzip.device"
    ]
    assert run(sevenzip, archive([("a", b"b")], attributes=[0x8000 | 0o100644 << 16])).codes == []


def test_names_that_lead_outside_and_names_that_repeat_are_told() -> None:
    assert run(sevenzip, archive([("../evil", b"x")])).codes == ["sevenzip.outside"]
    read = run(sevenzip, archive([("a", b"1"), ("./a", b"2")]))
    assert read.codes == ["sevenzip.repeated"]
    assert [content(child) for child in read.children] == [b"1", b"2"]


def test_a_file_that_would_be_deleted_is_told() -> None:
    extra = b"\x0e\x01\x40" + b"\x10\x01\x80"
    read = run(sevenzip, archive([("a", b"1"), ("gone", b"")], substreams=b"\x0d\x01\x00", extra=extra))
    assert read.codes == ["sevenzip.anti"]


def test_a_header_written_by_hand_is_read_like_one_of_7_zip() -> None:
    read = run(sevenzip, archive(TWO))
    assert [(child.name, content(child)) for child in read.children] == TWO
    assert (read.problems, read.error) == ([], None)


@pytest.mark.parametrize("where", ["beginning", "header", "file"])
def test_a_wrong_checksum_is_malformed_and_the_files_are_handed_on(where: str) -> None:
    data = bytearray(archive(TWO))
    if where == "file":
        data[32] ^= 1
    else:
        data[8 if where == "beginning" else 28] ^= 1
    read = run(sevenzip, bytes(data))
    assert read.names == ["a.pkl", "b.bin"]
    assert "malformed" in [problem.kind for problem in read.problems]


def test_bytes_that_belong_to_no_stream_are_handed_on() -> None:
    data = archive(TWO)
    read = run(sevenzip, data + b"cos\nsystem\n.")
    assert content(read.children[-1]) == b"cos\nsystem\n."
    assert [problem.kind for problem in read.problems] == ["trailing"]
    hidden = wrapped(b"".join(part for _, part in TWO) + b"hidden", archive(TWO)[32 + 47 :])
    assert b"hidden" in [content(child) for child in run(sevenzip, hidden).children]


def test_a_folder_that_is_cut_off_gives_what_there_is() -> None:
    read = run(sevenzip, archive(TWO, packed=b"payload" + b"\0" * 9))
    assert read.content("a.pkl") == b"payload"
    assert [problem.kind for problem in read.problems] == ["malformed"]


def packed_lzma(content: bytes, dictionary: int = 1 << 16) -> tuple[bytes, bytes]:
    """The coder and the bytes of one LZMA stream."""
    filters = [{"id": lzma.FILTER_LZMA1, "lc": 3, "lp": 0, "pb": 2, "dict_size": 1 << 16}]
    coder = b"\x01\x23\x03\x01\x01\x05\x5d" + dictionary.to_bytes(4, "little")
    return coder, lzma.compress(content, format=lzma.FORMAT_RAW, filters=filters)


@pytest.mark.parametrize(
    ("data", "limit"),
    [
        (archive([("a", b"x")], size=1 << 50), "expanded_bytes"),
        (archive([("a", b"x")], size=40_000_000), "expansion_ratio"),
        (archive([("a", b"x")], coders=packed_lzma(b"x", 0xFFFFFFFF)[0]), "lzma_memory_bytes"),
        (wrapped(b"", b"\x01\x05" + number(1 << 40)), "archive_members"),
        (wrapped(b"", b"\x01\x04\x06\x00" + number(1 << 40)), "archive_members"),
        (wrapped(b"", b"\x01\x04\x07\x0b" + number(1 << 62)), "archive_members"),
        (archive(TWO, substreams=b"\x0d" + number(1 << 30)), "archive_members"),
        (
            wrapped(b"", bytes(9)).replace((9).to_bytes(8, "little"), (1 << 40).to_bytes(8, "little")),
            "header",
        ),
    ],
    ids=["size", "ratio", "dictionary", "files", "streams", "folders", "files in a folder", "header"],
)
def test_bombs_and_counts_that_lie_end_in_a_limit_with_its_name(data: bytes, limit: str) -> None:
    read = run(sevenzip, data)
    if read.error is not None:
        assert isinstance(read.error, LimitError)
        assert limit in str(read.error.fields["limit"])
    else:
        assert [problem.kind for problem in read.problems][:1] == ["limit"]


def test_a_folder_larger_than_what_may_be_held_ends_in_a_limit() -> None:
    coder, packed = packed_lzma(bytes(100_000))
    read = run(
        sevenzip, archive([("a", bytes(100_000))], coders=coder, packed=packed), Limits(spooled_bytes=50_000)
    )
    assert [problem.kind for problem in read.problems] == ["limit"]
    assert "spooled_bytes" in read.problems[0].message
    whole = run(sevenzip, archive([("a", bytes(100_000))], coders=coder, packed=packed))
    assert len(whole.content("a")) == 100_000


@pytest.mark.parametrize(
    "coders",
    [
        b"\x00",
        b"\x21\x01\x00",
        b"\x01\x81\x00",
        b"\x01\x10\x00\x01",
        b"\x02\x01\x00\x01\x00\x00\x00",
        b"\x02\x01\x00\x01\x00\x05\x05",
        b"\x01\x03\x03\x01\x01",
        b"\x01\x01\x21",
        b"\x01\x21\x21\x01\x29",
    ],
    ids=[
        "none",
        "many",
        "alternative",
        "no input",
        "loop",
        "no such",
        "no properties",
        "none",
        "wrong properties",
    ],
)
def test_coders_that_are_no_chain_or_have_no_properties_are_malformed(coders: bytes) -> None:
    read = run(sevenzip, archive([("a", b"x")], coders=coders))
    assert isinstance(read.error, MalformedError) or [problem.kind for problem in read.problems] == [
        "malformed"
    ]


def test_a_coder_with_several_streams_is_unsupported() -> None:
    read = run(sevenzip, archive([("a", b"x")], coders=b"\x01\x14\x03\x03\x01\x1b\x01\x01"))
    assert [problem.kind for problem in read.problems] == ["unsupported"]


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\x02",
        b"\x17\x00",
        b"\x01\x04\x06",
        b"\x01\x05\x01\x11\x03\x00ab\x00\x00",
        b"\x01\x00\x00",
        b"\x01",
    ],
)
def test_a_header_that_breaks_off_or_goes_on_is_malformed(header: bytes) -> None:
    read = run(sevenzip, wrapped(b"", header))
    assert isinstance(read.error, MalformedError) == bool(header)


def test_a_header_packed_in_a_header_for_ever_is_malformed() -> None:
    """Each layer says that the header stands, as it is, in the bytes that are the layer itself."""
    size = 30
    layer = (
        b"\x17\x06\x00\x01\x09"
        + number(size)
        + b"\x00\x07\x0b\x01\x00\x01\x01\x00\x0c"
        + number(size)
        + b"\x00\x00"
    )
    layer = layer.ljust(size, b"\0")
    data = wrapped(layer, layer)
    assert isinstance(run(sevenzip, data).error, MalformedError)


@pytest.mark.parametrize("method", ["lzma2", "copy", "bzip2", "x86, lzma"])
@given(data=st.data())
@settings(deadline=None, max_examples=80)
def test_mutated_archives_end_in_events_or_a_secureload_error(method: str, data: st.DataObject) -> None:
    packed = bytearray(WRITTEN[method] if data.draw(st.booleans()) else archive(TWO))
    for _ in range(data.draw(st.integers(1, 5))):
        packed[data.draw(st.integers(6, len(packed) - 1))] = data.draw(st.integers(0, 255))
    read = run(sevenzip, bytes(packed), Limits(archive_members=1_000))
    for child in read.children:
        content(child)


@given(header=st.binary(max_size=60))
@settings(deadline=None, max_examples=200)
def test_arbitrary_headers_end_in_events_or_a_secureload_error(header: bytes) -> None:
    for start in (b"", b"\x01", b"\x17", b"\x01\x04", b"\x01\x05\x02"):
        run(sevenzip, wrapped(b"body", start + header), Limits(archive_members=100))
