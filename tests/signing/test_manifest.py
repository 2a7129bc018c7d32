from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import MalformedError, SecureloadError
from secureload.limits import Limits
from secureload.signing.manifest import (
    Difference,
    Manifest,
    Member,
    difference,
    make_manifest,
    validate_member_name,
)

ONE = hashlib.sha256(b"one").digest()
TWO = hashlib.sha256(b"two").digest()


def folder(*names: str) -> Manifest:
    return make_manifest("folder", [Member(name, ONE, 3) for name in names])


def test_the_subject_digest_is_the_sha256_of_the_raw_member_digests_in_the_order_of_their_names() -> None:
    manifest = make_manifest("folder", [Member("b", TWO, 2), Member("a/x", ONE, 1)])
    assert [member.name for member in manifest.members] == ["a/x", "b"]
    assert manifest.subject_digest == hashlib.sha256(ONE + TWO).digest()
    assert manifest.size == 3
    assert manifest.find("b") == Member("b", TWO, 2)
    assert manifest.find("c") is None


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("", "empty"),
        (".", "'..'"),
        ("..", "'..'"),
        ("a/../b", "'..'"),
        ("./a", "'.'"),
        ("a//b", "empty"),
        ("a/", "empty"),
        ("/etc/passwd", "absolute"),
        ("C:model.pkl", "drive"),
        ("c:/model.pkl", "drive"),
        ("..\\evil", "backslash"),
        ("a\0b", "control"),
        ("a\nb", "control"),
        ("a\x1b[2Jb", "control"),
        ("a\u2028b", "control"),
        ("a\udcffb", "UTF-8"),
        ("cafe\u0301", "normalization"),
        ("x" * 5000, "longer"),
    ],
)
def test_a_member_name_that_means_different_files_in_different_places_is_refused(
    name: str, word: str
) -> None:
    with pytest.raises(MalformedError) as caught:
        validate_member_name(name)
    assert word in caught.value.message
    assert caught.value.message.isprintable()
    with pytest.raises(MalformedError):
        Manifest("folder", (Member(name, ONE, 1),))


@pytest.mark.parametrize(
    "name", ["model.pkl", "a/b/c.bin", "café", "模型.joblib", "..a", "a b", "xy:z", ".hidden"]
)
def test_an_ordinary_name_is_accepted(name: str) -> None:
    validate_member_name(name)


def test_the_length_of_a_name_is_limited_in_bytes_not_characters() -> None:
    validate_member_name("ab", Limits(member_name_bytes=2))
    with pytest.raises(MalformedError):
        validate_member_name("äb", Limits(member_name_bytes=2))


@pytest.mark.parametrize(
    "names",
    [("a", "A"), ("ß", "SS"), ("a", "a/b"), ("A", "a/b"), ("a", "a"), ("x/É", "x/é"), ("\u017f", "s")],
)
def test_two_names_that_are_one_file_on_some_file_system_are_refused(names: tuple[str, str]) -> None:
    with pytest.raises(MalformedError) as caught:
        folder(*names)
    assert "collide" in caught.value.message


def test_a_manifest_without_members_out_of_order_or_with_odd_digests_cannot_exist() -> None:
    for members in ((), (Member("b", ONE, 1), Member("a", ONE, 1)), (Member("a", b"short", 1),)):
        with pytest.raises(MalformedError):
            Manifest("folder", members)
    with pytest.raises(MalformedError):
        Manifest("folder", (Member("a", ONE, -1),))
    with pytest.raises(MalformedError):
        make_manifest("file", [Member("a", ONE, 1), Member("b", ONE, 1)])


def test_the_difference_names_what_changed_what_is_missing_and_what_was_added() -> None:
    before = make_manifest("folder", [Member("a", ONE, 3), Member("b", ONE, 3), Member("c", ONE, 3)])
    after = make_manifest("folder", [Member("a", ONE, 3), Member("b", TWO, 3), Member("d", ONE, 3)])
    diff = difference(before, after)
    assert diff == Difference(changed=("b",), missing=("c",), added=("d",))
    assert diff.describe() == "changed: b; missing: c; added: d"
    assert not diff.is_empty
    assert difference(before, before).is_empty


def test_a_long_difference_is_counted_and_a_hostile_name_in_it_is_made_printable() -> None:
    diff = Difference(added=("\u202egnp.exe", "b", "c", "d", "e"))
    assert diff.describe() == "added: \\u202egnp.exe, b, c and 2 more"
    assert Difference().describe() == "no difference"


@settings(deadline=None, max_examples=150)
@given(st.lists(st.text(max_size=8), max_size=6))
def test_any_names_give_a_sorted_manifest_or_a_malformed_error(names: list[str]) -> None:
    try:
        manifest = folder(*names)
    except SecureloadError as error:
        assert isinstance(error, MalformedError)
        return
    assert [member.name for member in manifest.members] == sorted(names)
    assert len({name.casefold() for name in names}) == len(names)
