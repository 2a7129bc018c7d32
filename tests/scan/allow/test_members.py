"""Members of enumerations, by value and by their dotted name."""

from __future__ import annotations

import uuid

from secureload.pickles.trace import GlobalRef
from secureload.scan.allow.members import enum_members, member_names


def test_the_members_of_an_enumeration_are_a_case_and_so_are_their_names() -> None:
    assert ("members of SafeUUID", list(uuid.SafeUUID)) in list(enum_members("python"))
    assert ("members of SafeUUID", GlobalRef("uuid", "SafeUUID.safe")) in list(member_names("python"))


def test_a_library_without_enumerations_or_that_is_not_here_has_none() -> None:
    assert list(enum_members("statsmodels")) == []
    assert list(member_names("a library of nobody")) == []
