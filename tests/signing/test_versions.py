"""The order of versions: what a person expects, and total for any text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.signing.versions import compare_versions


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.4", "1.5"),
        ("1.9", "1.10"),
        ("1.4rc1", "1.4"),
        ("1.4-rc.1", "1.4-rc.2"),
        ("1.0.0-alpha", "1.0.0"),
        ("1.4", "1.4.1"),
        ("1.4", "1.4.post1"),
        ("v1.4", "v2"),
        ("2026-01-31", "2026-02-01"),
        ("9" * 70, "1" + "0" * 70),
        ("blue", "red"),
    ],
)
def test_the_older_one_comes_first(older: str, newer: str) -> None:
    assert (compare_versions(older, newer), compare_versions(newer, older)) == (-1, 1)


@pytest.mark.parametrize(
    ("one", "other"), [("1.4", "1.4.0"), ("v1.4", "1.4"), ("1.4+cpu", "1.4"), ("1.04", "1.4")]
)
def test_two_spellings_of_one_version_are_the_same(one: str, other: str) -> None:
    assert compare_versions(one, other) == 0


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_the_order_is_total_and_transitive(one: str, two: str, three: str) -> None:
    assert compare_versions(one, two) == -compare_versions(two, one)
    if compare_versions(one, two) <= 0 and compare_versions(two, three) <= 0:
        assert compare_versions(one, three) <= 0
