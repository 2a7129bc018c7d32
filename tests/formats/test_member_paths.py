from __future__ import annotations

import posixpath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.formats.member_paths import link_leads_outside, outside, plain_path


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../x", "a/../../x", "a/..", "C:x", "c:\\x", "\\x", "..\\x", "a\0b"]
)
def test_a_name_that_leads_out_of_the_folder_says_how(name: str) -> None:
    assert outside(name)


@pytest.mark.parametrize("name", ["a", "./a/b", "a..b", "...", "data.pkl", "a\\b", "", "über/x:y"])
def test_an_honest_name_says_nothing(name: str) -> None:
    assert outside(name) == ""


PARTS = st.lists(st.sampled_from(["a", "b", ".", "..", ""]), min_size=1, max_size=6).map("/".join)


@given(PARTS.filter(lambda name: not outside(name) and plain_path(name)), PARTS)
@settings(deadline=None, max_examples=300)
def test_a_link_leads_outside_exactly_where_a_path_does_on_the_way_or_at_its_end(
    name: str, target: str
) -> None:
    folder = list(plain_path(name)[:-1])
    parts = target.split("/")
    on_the_way = [
        posixpath.normpath("/".join([*folder, *parts[:length]]) or ".") for length in range(len(parts) + 1)
    ]
    expected = target.startswith("/") or any(path.split("/")[0] == ".." for path in on_the_way)
    assert link_leads_outside(name, target) is expected


def test_a_target_of_thousands_of_parts_is_not_followed() -> None:
    assert link_leads_outside("a", "b/" * 5000)
    assert link_leads_outside("a", "D:\\x")
