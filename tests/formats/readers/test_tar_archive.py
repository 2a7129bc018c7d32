from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import LimitError
from secureload.formats.detect import detect
from secureload.formats.readers import tar_archive
from secureload.formats.reading import Observation
from secureload.formats.region import Region
from secureload.limits import Limits
from tests.formats.tars import END, archive, header, member, pax

from .reading import content, run


def test_the_members_are_handed_on_to_be_looked_at_for_what_they_are() -> None:
    read = run(tar_archive, archive([("model/a.pkl", b"\x80\x04N."), ("readme", b"text")]))
    assert [(child.name, child.expect) for child in read.children] == [
        ("model/a.pkl", "any"),
        ("readme", "any"),
    ]
    assert read.content("model/a.pkl") == b"\x80\x04N."
    assert (read.codes, read.problems, read.error) == ([], [], None)


def test_what_was_walked_before_an_error_is_kept() -> None:
    read = run(tar_archive, member(b"payload", b"a") + pax(("path", "x" * 9000)) + member(b"x"))
    assert read.content("a") == b"payload"
    assert isinstance(read.error, LimitError)


def test_both_members_of_one_name_are_handed_on() -> None:
    read = run(tar_archive, archive([("./a.pkl", b"harmless"), ("a.pkl", b"payload")]))
    assert [content(child) for child in read.children] == [b"harmless", b"payload"]
    assert read.codes == ["tar.repeated"]


def test_a_hard_link_in_an_archive_of_pax_leads_to_a_member_and_has_no_bytes() -> None:
    read = run(tar_archive, member(b"x", b"a") + header(b"b", 0, b"1", link=b"a") + END)
    assert (read.names, read.codes) == (["a"], ["tar.link"])


def test_very_many_links_inside_the_archive_are_told_once() -> None:
    links = b"".join(header(b"l%d" % number, 0, b"2", link=b"a") for number in range(500))
    read = run(tar_archive, member(b"x", b"a") + links + END)
    assert read.codes == ["tar.link"]
    (found,) = [event for event in read.events if isinstance(event, Observation)]
    assert "499 more" in found.message


def test_links_within_links_do_not_hide_where_they_lead() -> None:
    dot = header(b"a", 0, b"2", link=b".")
    read = run(tar_archive, dot + header(b"a/b", 0, b"2", link=b"..") + member(b"x", b"a/b/evil") + END)
    assert "tar.through-link" in read.codes


def test_a_link_with_very_many_members_behind_it_takes_no_time_that_grows_with_their_depth() -> None:
    deep = b"".join(pax(("path", "/".join("x" * 1500) + str(n))) + member(b"") for n in range(300))
    read = run(tar_archive, header(b"a", 0, b"2", link=b".") + deep + END)
    assert len(read.children) == 300


@pytest.mark.parametrize("magic", [b"ustar\x0000", b"ustar  \0", b""])
def test_an_archive_is_detected_with_and_without_its_mark(magic: bytes) -> None:
    data = member(b"x", b"model.pkl", magic=magic) + END
    assert detect(data, len(data), "model.tar").format == "tar"


def test_a_pickle_that_is_also_an_archive_is_detected_as_the_archive_and_still_traced() -> None:
    """torch.load tries tarfile first; pickle.load reads the name of the first member."""
    data = member(b"x", b"\x80\x02cos\nsystem\n.") + END
    detected = detect(data, len(data), "model.pt")
    assert (detected.format, detected.may_be_pickle) == ("tar", True)


@given(st.binary(max_size=700))
@settings(deadline=None)
def test_arbitrary_blocks_end_in_events_or_a_secureload_error(data: bytes) -> None:
    read = run(tar_archive, data, Limits(archive_members=20))
    assert all(isinstance(child.data, Region) or child.data() for child in read.children)
