from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import MalformedError
from secureload.formats.literal import parse_literal

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**39), 10**39)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(PLAIN)
@settings(deadline=None)
def test_what_repr_writes_reads_back_as_the_same_value(value: object) -> None:
    assert parse_literal(repr(value)) == value


@given(st.text("{}[]()'\"\\:,uLbTrueFalseNone0123456789-+ \n#x", max_size=30))
@settings(deadline=None, max_examples=400)
def test_what_is_taken_means_the_same_to_python_and_all_else_is_malformed(text: str) -> None:
    try:
        value = parse_literal(text)
    except MalformedError:
        return
    # The suffix and the prefixes of Python 2 are the one thing that Python 3 does not read, or as bytes.
    if not any(mark in text for mark in ("L", "u", "b")):
        assert value == ast.literal_eval(text.strip(" \t"))  # text of at most 30 characters


def test_the_texts_and_long_numbers_of_python_2_are_read() -> None:
    assert parse_literal("{u'a': (3L, -4L), 'b': b'x'}") == {"a": (3, -4), "b": "x"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 + 1",
        "'a' 'b'",
        "1_000",
        "0x10",
        "007",
        "1.5",
        "__import__('os')",
        "(1,,)",
        "{'a': 1, 'a': 2}",
        "{1: 2}",
        "{'a' 1}",
        "[1 2]",
        "'a\nb'",
        "'\\N{BULLET}'",
        "'\\x4'",
        "'\\ud800'",
        "{'a': 1} # comment",
        "9" * 41,
        "'open",
        "-",
        "{",
        "Truex",
    ],
)
def test_what_no_library_writes_into_a_header_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_literal(text)


def test_a_thousand_brackets_end_in_an_error_and_not_in_the_stack() -> None:
    for text in ("[" * 1000, "(" * 100_000, "{'a':" * 1000):
        with pytest.raises(MalformedError, match="nested too deep"):
            parse_literal(text)


def test_one_value_in_brackets_is_no_tuple() -> None:
    assert parse_literal("(3)") == 3
    assert parse_literal("(3,)") == (3,)
    assert parse_literal("()") == ()
