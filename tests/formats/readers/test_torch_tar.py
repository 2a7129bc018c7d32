from __future__ import annotations

from secureload.formats.readers import tar_archive
from secureload.formats.readers.torch_tar import children
from tests.formats.tars import END, archive, header, member

from .reading import run

MEMBERS = [("sys_info", b"a"), ("pickle", b"b"), ("storages", b"c"), ("tensors", b"d")]


def test_the_members_of_an_old_pytorch_model_are_pickles_as_torch_reads_them() -> None:
    read = run(tar_archive, archive([*MEMBERS, ("extra", b"e")]))
    assert read.formats == ["torch-tar"]
    assert [(child.name, child.expect, child.reading) for child in read.children] == [
        ("sys_info", "pickle", "torch"),
        ("pickle", "pickle", "torch"),
        ("storages", "pickle", "torch-storages"),
        ("tensors", "pickle", "torch-tensors"),
        ("extra", "any", ""),
    ]


def test_the_second_member_of_a_name_is_one_of_its_pickles_too() -> None:
    read = run(tar_archive, archive([*MEMBERS, ("pickle", b"other")]))
    assert [child.expect for child in read.children] == ["pickle"] * 5


def test_an_archive_that_lacks_a_member_or_has_a_link_for_it_is_a_plain_archive() -> None:
    assert run(tar_archive, archive(MEMBERS[1:3])).formats == []
    linked = (
        member(b"b", b"pickle") + member(b"d", b"tensors") + header(b"storages", 0, b"2", link=b"/dev/zero")
    )
    read = run(tar_archive, linked + END)
    assert read.formats == []
    assert read.codes == ["tar.link-outside"]
    assert children([]) == {}
