from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import LimitError, SecureloadError
from secureload.formats.reading import Observation, Problem
from secureload.formats.region import Region
from secureload.formats.tar_walk import TarItem, TarMember, TarWalk
from secureload.limits import DEFAULT_LIMITS, Limits

from .tars import END, archive, header, member, pax, record

FORMS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


def walk(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[list[TarItem], SecureloadError | None]:
    items: list[TarItem] = []
    try:
        items.extend(TarWalk(Region(data), limits).items())
    except SecureloadError as error:
        return items, error
    return items, None


def content(found: TarMember) -> bytes:
    opened = found.data.cursor() if isinstance(found.data, Region) else found.data()
    return opened.read(1 << 30)


def members(items: list[TarItem]) -> list[tuple[str, bytes]]:
    return [(item.name, content(item)) for item in items if isinstance(item, TarMember)]


def codes(items: list[TarItem]) -> list[str]:
    return [item.code for item in items if isinstance(item, Observation)]


def problems(items: list[TarItem]) -> list[str]:
    return [item.kind for item in items if isinstance(item, Problem)]


def as_tarfile_reads(data: bytes) -> list[tuple[str, bytes]]:
    """Every member up to the point where tarfile gives up."""
    found = []
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:", errors="backslashreplace") as tar:
            for info in tar:
                no_link = not (info.islnk() or info.issym())
                file = tar.extractfile(info) if no_link else None  # None again where there is no data
                found.append((info.name, file.read() if file else b""))
    except (tarfile.TarError, ValueError, OverflowError, EOFError, OSError):
        pass
    return found


MEMBERS = [
    ("a.pkl", b"abc"),
    ("d/" + "x" * 90, b"q" * 600),
    ("y" * 90 + "/" + "z" * 90, b""),
    ("ünï", b"z" * 512),
]


@pytest.mark.parametrize("form", FORMS)
def test_what_tarfile_wrote_is_read_back_with_every_name(form: int) -> None:
    items, error = walk(archive(MEMBERS, form))
    assert members(items) == MEMBERS
    assert (codes(items), problems(items), error) == ([], [], None)


def test_a_name_of_five_hundred_characters_is_whole_in_both_forms() -> None:
    long = [("n" * 240 + "/" + "m" * 240, b"x")]
    for form in FORMS[1:]:
        assert members(walk(archive(long, form))[0]) == long


@pytest.mark.parametrize("form", ["v7", "oldgnu", "gnu", "ustar", "pax"])
def test_what_the_tar_of_the_system_writes_is_read_without_a_word(form: str, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model/weights").write_bytes(b"w" * 3000)
    (tmp_path / "model/link").symlink_to("weights")
    (tmp_path / "model/twin").hardlink_to(tmp_path / "model/weights")
    done = subprocess.run(
        ["tar", f"--format={form}", "-cf", "-", "model"],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=True,
    )
    items, error = walk(done.stdout)
    assert (codes(items), problems(items), error) == ([], [], None)
    assert sorted(name.rstrip("/") for name, _ in members(items)) == [
        "model",
        "model/link",
        "model/twin",
        "model/weights",
    ]
    assert b"w" * 3000 in [data for _, data in members(items)]


@pytest.mark.parametrize("version", ["old", "0.0", "0.1", "1.0"])
def test_sparse_files_of_every_form_unpack_to_the_bytes_that_were_saved(version: str, tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        for at in range(7):
            file.seek(at * 200_000)
            file.write(b"data %d" % at)
        file.truncate(2_000_000)
    form = ["--format=gnu"] if version == "old" else ["--format=pax", f"--sparse-version={version}"]
    done = subprocess.run(
        ["tar", *form, "-S", "-cf", "-", "sparse"], cwd=tmp_path, capture_output=True, timeout=60, check=True
    )
    items, error = walk(done.stdout)
    assert error is None
    assert members(items) == [("sparse", path.read_bytes())]
    assert (codes(items), problems(items)) == ([], [])


def test_an_archive_without_any_mark_is_read_by_its_checksums() -> None:
    items, error = walk(member(b"payload", b"old") + END)
    assert (members(items), error) == ([("old", b"payload")], None)


def test_members_behind_the_end_are_seen_and_said_to_be_there() -> None:
    items, _ = walk(archive([("a", b"1")]) + bytes(512 * 7) + archive([("hidden.pkl", b"2")]))
    assert [name for name, _ in members(items)] == ["a", "hidden.pkl"]
    assert codes(items) == ["tar.after-end"]


def test_bytes_behind_the_end_that_are_no_member_are_handed_on() -> None:
    items, _ = walk(member(b"1") + END + b"cos\nsystem\n.")
    assert problems(items) == ["trailing"]
    assert [item.name for item in items if not isinstance(item, TarMember | Problem)] == ["trailing"]  # type: ignore[union-attr]


def test_a_damaged_header_does_not_hide_the_members_behind_it() -> None:
    items, _ = walk(member(b"1", b"a") + b"\xff" * 512 + member(b"2", b"b") + END)
    assert [name for name, _ in members(items)] == ["a", "b"]
    assert problems(items) == ["malformed"]


def test_damage_after_damage_is_left_over_and_costs_no_second_search() -> None:
    items, _ = walk((b"\xff" * 512 + member(b"2", b"b")) * 3)
    assert [name for name, _ in members(items)] == ["b"]
    assert problems(items) == ["malformed", "trailing"]


def test_a_pax_size_that_differs_from_the_headers_is_followed_and_reported() -> None:
    """One reader would take what another steps over for members."""
    inner = member(b"payload", b"inner")
    data = pax(("size", str(len(inner)))) + header(b"outer", 0) + inner + END
    items, _ = walk(data)
    assert [name for name, _ in members(items)] == ["outer"]
    assert codes(items) == ["tar.sizes-differ"]
    assert as_tarfile_reads(data) == [("outer", inner)]


def test_a_file_of_more_than_8_gigabytes_has_its_size_in_the_pax_header_alone() -> None:
    items, _ = walk(pax(("size", str(8**11 + 5))) + header(b"large", 0))
    assert codes(items) == []
    assert problems(items) == ["malformed"]  # it is cut off here


def test_a_size_of_a_link_or_a_folder_is_reported_and_no_data_is_stepped_over() -> None:
    for kind in (b"1", b"2", b"5", b"3"):
        items, _ = walk(header(b"d", 512, kind) + member(b"seen", b"inner") + END)
        assert [name for name, _ in members(items)] == ["d", "inner"]
        assert codes(items) == ["tar.size-of-nothing"]


def test_two_extended_headers_for_one_member_are_read_as_tarfile_reads_them() -> None:
    data = pax(("path", "outer")) + pax(("path", "inner")) + member(b"x") + END
    items, _ = walk(data)
    assert members(items) == as_tarfile_reads(data) == [("outer", b"x")]
    assert codes(items) == ["tar.readers-differ"]
    data = member(b"first\0", kind=b"L") + member(b"second\0", kind=b"L") + member(b"x") + END
    items, _ = walk(data)
    assert members(items) == as_tarfile_reads(data) == [("first", b"x")]
    assert codes(items) == ["tar.readers-differ"]


def test_a_global_header_that_names_members_is_followed_and_reported() -> None:
    items, _ = walk(pax(("path", "every"), kind=b"g") + member(b"1", b"a") + member(b"2", b"b") + END)
    assert [name for name, _ in members(items)] == ["every", "every"]
    assert codes(items) == ["tar.global-name"]
    assert codes(walk(pax(("comment", "git"), kind=b"g") + member(b"1") + END)[0]) == []


def test_bytes_hidden_in_the_padding_of_a_member_are_handed_on() -> None:
    items, _ = walk(member(b"x", padding=b"p") + END)
    assert codes(items) == ["tar.padding"]
    assert [item.name for item in items if not isinstance(item, TarMember | Observation)] == ["m (padding)"]  # type: ignore[union-attr]


def test_a_member_that_is_cut_off_gives_what_there_is() -> None:
    items, _ = walk(member(b"x" * 5000)[:2000])
    assert members(items) == [("m", b"x" * (2000 - 512))]
    assert problems(items) == ["malformed"]


def test_an_archive_without_end_blocks_is_whole() -> None:
    items, error = walk(member(b"x"))
    assert (problems(items), error) == ([], None)


def test_an_extended_header_without_a_member_is_malformed() -> None:
    assert problems(walk(pax(("path", "x")) + END)[0]) == ["malformed"]


@pytest.mark.parametrize(
    ("data", "limit"),
    [
        (header(b"pax", 5 << 20, b"x") + bytes(6 << 20), "tar_header_bytes"),
        (header(b"long", 1 << 20, b"L") + bytes(2 << 20), "member_name_bytes"),
        (pax(("path", "n" * 5000)) + member(b"x"), "member_name_bytes"),
        (pax(("path", "x")) * 60, "archive_members"),
        (member(b"x") * 60, "archive_members"),
        (pax(("GNU.sparse.map", "0,1"), ("GNU.sparse.size", str(1 << 60))) + member(b"x"), "expansion_ratio"),
        (pax(("GNU.sparse.map", "0,1"), ("GNU.sparse.size", str(1 << 30))) + member(b"x"), "expansion_ratio"),
    ],
    ids=["pax header", "long name", "long path", "headers", "members", "sparse exabyte", "sparse gigabyte"],
)
def test_bombs_end_in_a_limit_with_its_name(data: bytes, limit: str) -> None:
    _, error = walk(data, Limits(archive_members=50))
    assert isinstance(error, LimitError)
    assert error.fields["limit"] == limit


@pytest.mark.parametrize("text", ["0,1,0,1", "5,1,3,1", "0,9", "0,2,5,9999"])
def test_a_sparse_map_that_overlaps_or_leaves_the_file_is_malformed(text: str) -> None:
    _, error = walk(pax(("GNU.sparse.map", text), ("GNU.sparse.size", "10")) + member(b"xyz"))
    assert error is not None
    assert error.code == "artifact.malformed"


BLOCKS = st.one_of(
    st.builds(
        member,
        st.binary(max_size=20),
        st.sampled_from([b"a", b"b/", b"../c", b"\xff"]),
        st.sampled_from([b"0", b"\0", b"1", b"2", b"5", b"7", b"L", b"K", b"V", b"x"]),
    ),
    st.builds(header, st.just(b"h"), st.integers(0, 2000), st.sampled_from([b"0", b"5", b"2"])),
    st.builds(
        pax,
        st.tuples(st.sampled_from(["path", "size", "linkpath", "x"]), st.sampled_from(["7", "513", "n/m"])),
    ),
    st.sampled_from([bytes(512), b"\xff" * 512, b"short"]),
)


@given(st.lists(BLOCKS, max_size=7).map(b"".join))
@settings(deadline=None, max_examples=300)
def test_no_member_that_tarfile_sees_is_missed(data: bytes) -> None:
    """What tarfile gives out before it gives up, we give out too, with the same bytes."""
    items, error = walk(data)
    found = [(name.rstrip("/"), data) for name, data in members(items)]
    expected = [(name.rstrip("/"), data) for name, data in as_tarfile_reads(data)]
    if error is None:
        assert found[: len(expected)] == expected


@given(data=st.data())
@settings(deadline=None, max_examples=200)
def test_mutated_archives_end_in_items_or_a_secureload_error(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(FORMS))
    packed = bytearray(archive([("a.pkl", b"abc"), ("d/" + "x" * 90, b"q" * 600)], form))
    for _ in range(data.draw(st.integers(1, 6))):
        packed[data.draw(st.integers(0, 3500))] = data.draw(st.integers(0, 255))
    items, _ = walk(bytes(packed))
    for item in items:
        if isinstance(item, TarMember):
            assert len(content(item)) == item.size


def test_a_record_longer_than_a_hundred_counts_its_own_length() -> None:
    assert record("path", "x" * 100) == b"110 path=" + b"x" * 100 + b"\n"
