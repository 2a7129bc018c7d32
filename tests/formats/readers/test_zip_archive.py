"""Every lie that a zip archive can tell, and the archives that tell none."""

from __future__ import annotations

import bz2
import io
import lzma
import stat
import struct
import zipfile
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import SecureloadError
from secureload.formats.readers import zip_archive
from secureload.formats.reading import Budget, ReadContext
from secureload.formats.region import Region
from secureload.limits import DEFAULT_LIMITS, Limits
from tests.formats.zips import (
    BZIP2,
    DEFLATED,
    LZMA,
    STORED,
    UNIX,
    XZ,
    Archive,
    Entry,
    archive,
    central_record,
    deflated,
    end_records,
    local_record,
)

from .reading import Read, run

TEXT = b"a model of some bytes, " * 40


def read(data: bytes, limits: Limits = DEFAULT_LIMITS, name: str = "model.zip") -> Read:
    return run(zip_archive, data, limits, name)


def silent(found: Read) -> bool:
    return found.error is None and not found.codes and not found.problems


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
@pytest.mark.parametrize("seekable", [True, False])
def test_what_zipfile_writes_is_read_back_and_silent(method: int, seekable: bool) -> None:
    file = io.BytesIO()
    target = file if seekable else Unseekable(file)
    with zipfile.ZipFile(target, "w", method) as writer:  # type: ignore[call-overload]  # a file without seek
        writer.writestr("a/first.txt", TEXT)
        writer.writestr("empty", b"")
        writer.mkdir("folder")
        with writer.open("big", "w", force_zip64=True) as member:
            member.write(TEXT * 9)
        writer.comment = b"a comment"
    found = read(file.getvalue())
    assert silent(found), (found.codes, found.problems)
    assert found.names == ["a/first.txt", "empty", "folder/", "big", "<the comment>"]
    assert found.content("a/first.txt") == TEXT
    assert found.content("<the comment>") == b"a comment"
    assert found.content("big") == TEXT * 9


class Unseekable:
    """zipfile writes data descriptors where it cannot go back."""

    def __init__(self, file: io.BytesIO) -> None:
        self.write = file.write
        self.flush = file.flush


@pytest.mark.parametrize(
    ("method", "packed"),
    [(STORED, TEXT), (DEFLATED, deflated(TEXT)), (BZIP2, bz2.compress(TEXT)), (XZ, lzma.compress(TEXT))],
)
def test_every_compression_gives_the_content(method: int, packed: bytes) -> None:
    found = read(archive(Entry("member", TEXT, method=method, packed=packed)))
    assert silent(found)
    assert found.content("member") == TEXT


def test_lzma_with_and_without_its_end_mark() -> None:
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16}]
    alone = lzma.compress(TEXT, lzma.FORMAT_ALONE, filters=filters)
    packed = b"\x09\x04\x05\x00" + alone[:5] + alone[13:]
    ended = Entry("member", TEXT, method=LZMA, packed=packed, flags=0x2)
    assert read(archive(ended)).content("member") == TEXT
    assert silent(read(archive(ended)))


def test_a_compression_that_nothing_here_reads_is_said_and_no_pass() -> None:
    found = read(archive(Entry("member", TEXT, method=9)))
    assert found.children == []
    assert "deflate64" in found.problems[0].message
    assert found.problems[0].kind == "unsupported"


# -- CVE-2025-1944, CVE-2025-1945, GHSA-mjqp-26hc-grxg ---------------------------------------------------


def test_cve_2025_1944_a_name_that_differs_in_the_local_header_is_seen_and_both_are_looked_up() -> None:
    found = read(archive(Entry("model/data.txt", b"x", local_name="model/data.pkl")))
    assert found.codes.count("zip.names-differ") == 1
    # The local name makes it a PyTorch archive, so the member is taken for its pickle.
    assert [child.expect for child in found.children] == ["pickle"]


@pytest.mark.parametrize("bit", [0x1, 0x40, 0x2000, 0x41])
@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_cve_2025_1945_an_encryption_bit_hides_nothing(bit: int, method: int) -> None:
    found = read(archive(Entry("data", TEXT, method=method, flags=bit)))
    assert found.codes == ["zip.encryption-lies"]
    assert found.content("data") == TEXT


def test_cve_2025_1945_in_one_of_the_two_headers() -> None:
    assert read(archive(Entry("data", TEXT, local_flags=1))).codes == ["zip.encryption-lies"]
    assert read(archive(Entry("data", TEXT, local_flags=2))).codes == ["zip.flags-differ"]


@pytest.mark.parametrize("bit", [0x10, 0x20, 0x80, 0x1000, 0x8000])
def test_cve_2025_1945_bits_for_which_some_readers_refuse_a_member(bit: int) -> None:
    found = read(archive(Entry("data", TEXT, flags=bit)))
    assert found.codes == ["zip.odd-flags"]
    assert found.content("data") == TEXT


def test_what_is_really_encrypted_is_not_examined_and_says_so() -> None:
    noise = bytes(range(7, 250)) * 3
    for method in (STORED, DEFLATED):
        found = read(archive(Entry("data", TEXT, method=method, packed=noise, flags=1)))
        assert [problem.kind for problem in found.problems] == ["unsupported"]
        assert "without a key" in found.problems[0].message
        assert "zip.encryption-lies" not in found.codes
    assert "encrypted" in read(archive(Entry("data", TEXT, method=99))).problems[0].message


@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_ghsa_mjqp_a_wrong_checksum_is_told_and_the_member_examined(method: int) -> None:
    found = read(archive(Entry("data", TEXT, method=method, crc=0xBADBAD)))
    assert found.codes == ["zip.crc-wrong"]
    assert found.content("data") == TEXT


def test_an_archive_without_checksums_is_told_once() -> None:
    found = read(archive(*(Entry(f"m{number}", TEXT, crc=0) for number in range(30))))
    assert found.codes == ["zip.crc-missing"]


def test_checksums_of_large_members_are_not_read_and_that_is_said() -> None:
    limits = Limits(zip_checked_member_bytes=100)
    found = read(archive(Entry("big", TEXT, crc=1), Entry("small", b"x" * 100)), limits)
    assert found.codes == ["zip.crc-unchecked"]
    assert found.content("big") == TEXT


# -- two descriptions of one member ----------------------------------------------------------------------


def test_another_compression_in_the_local_header_is_read_both_ways() -> None:
    found = read(archive(Entry("data", deflated(TEXT), local_method=DEFLATED, local_size=len(TEXT),
                               local_crc=zlib.crc32(TEXT))))  # fmt: skip
    assert "zip.method-differ" in found.codes
    assert found.content("data") == deflated(TEXT)
    assert found.content("data (by its local header)") == TEXT


def test_another_size_in_the_local_header_is_read_both_ways() -> None:
    found = read(archive(Entry("data", TEXT, local_packed_size=10, local_size=10)))
    assert "zip.sizes-differ" in found.codes
    assert found.content("data (by its local header)") == TEXT[:10]


def test_sizes_left_to_the_descriptor_are_no_contradiction_and_a_wrong_descriptor_is() -> None:
    sums = struct.pack("<LLL", zlib.crc32(TEXT), len(TEXT), len(TEXT))
    wide = struct.pack("<LQQ", zlib.crc32(TEXT), len(TEXT), len(TEXT))
    fields = {"flags": 8, "local_crc": 0, "local_size": 0, "local_packed_size": 0}
    for descriptor in (sums, b"PK\7\x08" + sums, wide, b"PK\7\x08" + wide):
        assert silent(read(archive(Entry("data", TEXT, descriptor=descriptor, **fields))))
    wrong = b"PK\7\x08" + struct.pack("<LLL", 1, len(TEXT), len(TEXT))
    assert read(archive(Entry("data", TEXT, descriptor=wrong, **fields))).codes == ["zip.descriptor-differ"]


def test_a_wrong_checksum_in_the_local_header_alone() -> None:
    assert read(archive(Entry("data", TEXT, local_crc=5))).codes == ["zip.crc-differ"]


def test_another_name_in_a_unicode_path_field() -> None:
    field = b"\x01" + struct.pack("<L", zlib.crc32(b"data.txt")) + b"m/data.pkl"
    extra = struct.pack("<HH", 0x7075, len(field)) + field
    found = read(archive(Entry("data.txt", b"x", extra=extra)))
    assert "zip.names-differ" in found.codes
    assert found.children[0].expect == "pickle"
    # Without the flag the name is in the charset of its time; the field gives it in UTF-8: no contradiction.
    field = b"\x01" + struct.pack("<L", zlib.crc32(b"\x81.txt")) + "ü.txt".encode()
    extra = struct.pack("<HH", 0x7075, len(field)) + field
    assert read(archive(Entry(b"\x81.txt", b"x", extra=extra))).codes == []


def test_sizes_that_do_not_fit_the_content() -> None:
    assert read(archive(Entry("data", TEXT, size=5, local_size=5))).codes == ["zip.size-wrong"]
    packed = deflated(TEXT)
    for size in (5, len(TEXT) + 5):
        found = read(archive(Entry("data", TEXT, method=DEFLATED, packed=packed, size=size)))
        assert found.codes == ["zip.size-wrong"]
        assert found.content("data") == TEXT
    trailing = Entry("data", TEXT, method=DEFLATED, packed=packed + b"more")
    assert read(archive(trailing)).codes == ["zip.size-wrong"]


def test_damage_in_a_compressed_member_gives_what_comes_before_it() -> None:
    found = read(archive(Entry("data", TEXT * 9, method=DEFLATED, packed=deflated(TEXT * 9)[:40])))
    assert found.codes == ["zip.size-wrong"]
    assert found.children[0].name == "data"


# -- where the directory is ------------------------------------------------------------------------------


def test_a_member_that_no_directory_lists_is_found() -> None:
    for method in (STORED, DEFLATED):
        found = read(
            archive(
                Entry("shown", b"x"), Entry("hidden", TEXT, method=method, listed=False), Entry("z", b"z")
            )
        )
        assert found.codes == ["zip.unlisted"]
        assert found.content("hidden (unlisted)") == TEXT


def test_unlisted_members_with_open_sizes_are_found_too() -> None:
    fields = {"flags": 8, "local_crc": 0, "local_size": 0, "local_packed_size": 0, "listed": False}
    hidden = [Entry(f"h{number}", TEXT, method=DEFLATED, **fields) for number in range(2)]
    found = read(archive(Entry("shown", b"x"), *hidden))
    assert found.codes.count("zip.unlisted") == 2
    assert "zip.gap" not in found.codes
    assert found.content("h1 (unlisted)") == TEXT


def test_two_directories_are_both_read_whichever_a_library_believes() -> None:
    # zipfile reads the directory in front of the end record and shifts its offsets, miniz the one at its offset.
    data = archive(Entry("first", b"one"))
    offset, at = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    hidden = Entry("other", b"two")
    local = local_record(hidden)
    shift = at + len(local) - offset
    directory = central_record(hidden, at - shift)
    assert len(directory) == at - offset
    whole = data[:at] + local + directory + end_records(1, len(directory), offset)
    assert zipfile.ZipFile(io.BytesIO(whole)).namelist() == ["other"]
    found = read(whole)
    assert "zip.two-directories" in found.codes
    assert found.names == ["first", "other"]


def test_a_zip64_record_that_says_something_else_than_the_end_record() -> None:
    data = bytearray(archive(Entry("first", b"one"), Entry("other", b"two"), zip64=True))
    end = data.index(b"PK\5\6")
    second = data.index(b"PK\1\2", data.index(b"PK\1\2") + 1)
    size = end - second - 76
    data[end:] = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, size, second, 0)
    assert "zip.two-directories" in read(bytes(data)).codes


def test_a_second_end_record_in_the_comment_of_the_first() -> None:
    inner = archive(Entry("inner", b"x"))
    found = read(archive(Entry("outer", TEXT), comment=inner + b"tail"))
    # A reader that wants the comment to fit takes the outer one, zipfile the inner one.
    assert "zip.two-directories" in found.codes
    assert {"outer", "inner"} <= {name.removesuffix(" (unlisted)") for name in found.names}


def test_an_archive_stored_in_an_archive_has_its_own_end_record() -> None:
    inner = archive(Entry("inner", b"x"))
    found = read(archive(Entry("nested.zip", inner)))
    assert silent(found)
    assert found.content("nested.zip") == inner


def test_counts_that_do_not_fit_are_told_and_the_rest_of_the_directory_read() -> None:
    found = read(archive(Entry("a", b"1"), Entry("b", b"2"), count=1))
    assert found.codes == ["zip.count-differs"]
    assert found.names == ["a", "b"]
    short = Archive([Entry("a", b"1"), Entry("b", b"2")], directory_size=47, shifted=True).build()
    assert set(read(short).names) >= {"a", "b"}


def test_overlapping_members_are_told_once() -> None:
    outer = Entry("a", b"x" + local_record(Entry("b", b"shared")))
    inner = [Entry("b", b"shared", offset=len(local_record(Entry("a", b"x")))) for _ in range(5)]
    found = read(archive(outer, *inner))
    assert found.codes.count("zip.overlap") == 1
    assert found.content("b") == b"shared"


def test_a_part_of_several_is_no_pass() -> None:
    assert "one part of several" in read(archive(Entry("a", b"1"), disk=2)).problems[0].message


def test_no_end_record_is_damage_and_the_members_are_found_by_position() -> None:
    data = archive(Entry("a", TEXT), Entry("b", TEXT, method=DEFLATED))
    found = read(data[: data.index(b"PK\1\2")])
    assert found.names == ["a (unlisted)", "b (unlisted)"]
    assert found.problems[0].kind == "malformed"


def test_an_empty_archive_is_told() -> None:
    assert read(archive()).codes == ["zip.empty"]


# -- bytes of nobody -------------------------------------------------------------------------------------


@pytest.mark.parametrize("shifted", [True, False])
def test_a_prefix_is_handed_on_so_that_a_pickle_in_it_is_found(shifted: bool) -> None:
    found = read(archive(Entry("a", TEXT), prefix=b"\x80\x04N.", shifted=shifted))
    assert found.codes == ["zip.prefix"]
    assert found.content("<bytes 0 to 4, before the first member>") == b"\x80\x04N."
    assert found.content("a") == TEXT


def test_trailing_bytes_and_gaps_are_handed_on() -> None:
    found = read(archive(Entry("a", TEXT), trailing=b"a tail"))
    assert found.codes == ["zip.trailing"]
    assert b"a tail" in [
        child.data.read_at(0, 99) for child in found.children if isinstance(child.data, Region)
    ]
    found = read(archive(Entry("a", TEXT), Entry("b", TEXT, before=b"a gap"), before_directory=b"another"))
    assert found.codes == ["zip.gap", "zip.gap"]
    assert len(found.children) == 4


def test_zero_bytes_are_padding() -> None:
    found = read(archive(Entry("a", TEXT), trailing=bytes(100)))
    assert found.codes == ["zip.padding"]
    assert found.names == ["a"]


# -- names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../up", "a/../../up", "/etc/x", "\\share\\x", "C:x", "a\0b", "a\\..\\b"])
def test_a_name_that_leads_outside(name: str) -> None:
    assert read(archive(Entry(name, b"x"))).codes == ["zip.unsafe-name"]


def test_odd_double_and_similar_names() -> None:
    assert read(archive(Entry("", b"x"))).codes == ["zip.odd-name"]
    assert read(archive(Entry("a\\b", b"x"))).codes == ["zip.odd-name"]
    assert read(archive(Entry("a", b"x"), Entry("a", b"y"))).codes == ["zip.duplicate-name"]
    assert read(archive(Entry("a", b"x"), Entry("A", b"y"))).codes == ["zip.similar-names"]
    assert read(archive(Entry("a..b/..c", b"x"))).codes == []


def test_links_special_files_and_folders_with_content() -> None:
    link = Entry("link", b"/etc/passwd", made_by=UNIX, mode=stat.S_IFLNK | 0o777)
    found = run(zip_archive, archive(link))
    assert found.codes == ["zip.link"]
    assert any("/etc/passwd" in getattr(event, "detail", "") for event in found.events)
    fifo = Entry("fifo", made_by=UNIX, mode=stat.S_IFIFO | 0o644)
    assert read(archive(fifo)).codes == ["zip.special-file"]
    assert read(archive(Entry("folder/", b"x"))).codes == ["zip.folder-with-data"]
    # PyTorch's miniz goes by this bit, reads nothing, and gives out the memory that it did not fill.
    assert read(archive(Entry("m/data.pkl", b"x", attributes=0x10))).codes == ["zip.folder-with-data"]
    plain = Entry("plain", b"x", made_by=UNIX, mode=stat.S_IFREG | 0o644)
    assert read(archive(plain, Entry("folder/", made_by=UNIX, mode=stat.S_IFDIR | 0o755))).codes == []


# -- bombs -----------------------------------------------------------------------------------------------


def test_too_many_members_end_in_a_named_limit() -> None:
    found = read(archive(*(Entry(f"{number}") for number in range(40))), Limits(archive_members=30))
    assert "archive_members" in found.problems[0].message
    assert len(found.children) == 31  # and the bytes of the rest


def test_a_bomb_of_overlapping_members_ends_in_a_named_limit() -> None:
    """Every entry points at the same packed bytes, as David Fifield's bomb has it."""
    kernel = Entry("kernel", bytes(1 << 20), method=DEFLATED)
    size = len(kernel.packed_bytes())
    copies = [
        Entry(
            f"copy{number}",
            kernel.data,
            DEFLATED,
            packed=b"",
            packed_size=size,
            local_packed_size=size,
            offset=0,
        )
        for number in range(3000)
    ]
    found = read(archive(kernel, *copies), Limits(expansion_floor_bytes=1 << 16))
    assert "expansion_ratio" in found.problems[-1].message
    assert 1 < len(found.children) < 500


def test_a_name_that_is_no_path_ends_in_a_named_limit() -> None:
    """A million entries may share one header; each would keep its 64 KiB."""
    for entry in (Entry("a" * 5000, b"x"), Entry("a", b"x", local_name="a" * 5000)):
        found = read(archive(entry, Entry("b", TEXT)))
        assert [problem.kind for problem in found.problems] == ["limit"]
        assert "member_name_bytes" in found.problems[0].message
        assert found.content("b") == TEXT


def test_a_file_of_nothing_but_signatures_ends() -> None:
    found = read(b"PK\3\4" * 60_000, Limits(archive_members=50))
    assert found.problems
    assert len(found.children) <= 51


def test_expanded_bytes_are_counted() -> None:
    budget = Budget(DEFAULT_LIMITS)
    data = archive(Entry("a", TEXT, method=DEFLATED))
    list(zip_archive.read(Region(data), ReadContext(budget=budget)))
    assert budget.expanded == len(TEXT)


def test_many_observations_of_one_kind_are_cut_to_a_count() -> None:
    found = read(archive(*(Entry(f"../{number}") for number in range(60))))
    assert found.codes.count("zip.unsafe-name") == 11


# -- whatever the bytes ----------------------------------------------------------------------------------

VALID = archive(
    Entry("m/data.pkl", b"\x80\x04N."),
    Entry("m/code/a.py", TEXT, method=DEFLATED),
    Entry("schema.json", b"{}"),
    comment=b"comment",
    zip64=True,
)


@given(st.binary(max_size=400))
@settings(deadline=None, max_examples=200)
def test_arbitrary_bytes_give_events_or_an_error_of_ours(data: bytes) -> None:
    read(data)
    read(b"PK\3\4" + data + b"PK\5\6" + data[:18])


@given(
    st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), max_size=6),
    st.integers(0, len(VALID)),
)
@settings(deadline=None, max_examples=200)
def test_mutated_archives_give_events_or_an_error_of_ours(changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(VALID)
    for at, value in changes:
        data[at] = value
    for child in read(bytes(data)).children:
        assert child.name is not None
    read(bytes(data[:cut]))


# -- what zipfile reads, is examined ---------------------------------------------------------------------

SMALL = st.integers(0, 40)
LIES = st.fixed_dictionaries(
    {},
    optional={
        "flags": st.sampled_from([0, 1, 2, 8, 0x800, 0x808]),
        "local_flags": st.sampled_from([0, 1, 8, 0x808]),
        "local_method": st.sampled_from([STORED, DEFLATED]),
        "size": SMALL,
        "packed_size": SMALL,
        "local_size": SMALL,
        "local_packed_size": SMALL,
        "offset": SMALL,
        "listed": st.booleans(),
        "before": st.binary(max_size=5),
        "descriptor": st.sampled_from([b"", b"PK\7\x08" + bytes(12)]),
        "local_name": st.sampled_from(["a", "b", "schema.json"]),
    },
)
ENTRIES = st.lists(
    st.builds(
        lambda name, data, method, lies: Entry(name, data, method, **lies),
        st.sampled_from(["a", "b", "m/data.pkl"]),
        st.binary(max_size=30),
        st.sampled_from([STORED, DEFLATED]),
        LIES,
    ),
    max_size=4,
)
AROUND = st.fixed_dictionaries(
    {},
    optional={
        "prefix": st.binary(max_size=6),
        "shifted": st.booleans(),
        "comment": st.binary(max_size=6) | st.just(VALID[-60:]),
        "trailing": st.binary(max_size=6),
        "before_directory": st.binary(max_size=6),
        "count": st.integers(0, 4),
        "zip64": st.booleans(),
    },
)


def contents_of_zipfile(data: bytes) -> list[bytes]:
    """Whatever Python's own reader gives out, checksums aside."""
    found = []
    try:
        reader = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, UnicodeDecodeError):
        return []
    for info in reader.infolist():
        info.CRC = None  # type: ignore[assignment]  # it then compares none
        try:
            found.append(reader.read(info))
        except (zipfile.BadZipFile, ValueError, RuntimeError, EOFError, OSError, OverflowError, zlib.error):
            continue
    return found


def examined_contents(data: bytes) -> list[bytes]:
    """What is handed on, up to a damage where there is one: that comes first, then the error."""
    found = []
    for child in read(data).children:
        stream = child.data.cursor() if isinstance(child.data, Region) else child.data()
        pieces = []
        try:
            while piece := stream.read(1 << 16):
                pieces.append(piece)
        except SecureloadError:
            pass
        found.append(b"".join(pieces))
    return found


@given(ENTRIES, AROUND)
@settings(deadline=None, max_examples=200)
def test_whatever_zipfile_reads_in_an_archive_of_lies_is_handed_on(
    entries: list[Entry], around: dict[str, Any]
) -> None:
    data = archive(*entries, **around)
    ours = examined_contents(data)
    for piece in contents_of_zipfile(data):
        assert not piece or any(own.startswith(piece) for own in ours)


@given(st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), max_size=3))
@settings(deadline=None, max_examples=200)
def test_whatever_zipfile_reads_in_a_damaged_archive_is_handed_on(changes: list[tuple[int, int]]) -> None:
    data = bytearray(VALID)
    for at, value in changes:
        data[at] = value
    ours = examined_contents(bytes(data))
    for piece in contents_of_zipfile(bytes(data)):
        assert not piece or any(own.startswith(piece) for own in ours)


def test_the_last_member_of_a_truncated_archive_is_examined_as_far_as_it_goes() -> None:
    for method in (STORED, DEFLATED):
        whole = local_record(Entry("a", TEXT, method=method))
        found = read(whole[:-3])
        assert found.names == ["a (unlisted)"]
        assert {problem.kind for problem in found.problems} == {"malformed"}
        assert examined_contents(whole[:-3])[0][:100] == TEXT[:100]


def test_what_only_begins_as_an_archive_is_not_read_as_one_again() -> None:
    found = read(b"PK\3\4" + b"\xff" * 60)
    assert found.names == ["<bytes 0 to 64, before the first member>"]
    assert examined_contents(b"PK\3\4" + b"\xff" * 60) == [b"\xff" * 60]


def test_unlisted_members_beyond_the_limit_are_kept_as_bytes() -> None:
    whole = b"".join(local_record(Entry(str(number), b"xy")) for number in range(9))
    found = read(whole, Limits(archive_members=4))
    assert "archive_members" in found.problems[-1].message
    assert len(found.children) == 5
