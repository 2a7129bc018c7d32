from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.jinja_tokens import tokens


def texts(template: str) -> list[str]:
    return [token.text for token in tokens(template)]


def kinds(template: str) -> list[str]:
    return [token.kind for token in tokens(template)]


def test_only_code_has_tokens() -> None:
    assert texts("Hello {name} <|im_start|> { % if % }") == []
    assert texts("a {{ x.y }} b {%- if x -%} c {% endif %}") == [
        "{{", "x", ".", "y", "}}", "{%", "if", "x", "-%}", "{%", "endif", "%}",
    ]  # fmt: skip


def test_a_comment_has_none_and_ends_at_its_first_end() -> None:
    assert texts("{# {{ x }} #}{{ y }}{# z #}") == ["{{", "y", "}}"]


def test_strings_hide_delimiters_and_quotes() -> None:
    assert texts(r"""{{ '}}' ~ "it's" ~ 'a\'b' }}""") == ["{{", "'}}'", "~", '"it\'s"', "~", r"'a\'b'", "}}"]
    assert texts("{{ '{#' }}{{ x }}")[:2] == ["{{", "'{#'"]


def test_braces_that_are_open_do_not_end_the_code() -> None:
    assert texts("{{ {'a': {'b': 1}} }}")[-2:] == ["}", "}}"]
    assert texts("{{ {'a': {}}}}")[-1] == "}}"


@pytest.mark.parametrize(
    "template", ["{{ x", "{{ 'x", "{{ x) }}", "{{ (x] }}", "{{ ? }}", "{% if x }}", "{# x", "{{ \\ }}", "{{"]
)
def test_what_jinja_refuses_is_broken_and_shown_to_its_end(template: str) -> None:
    assert kinds(template)[-1] == "broken"
    assert template.endswith(texts(template)[-1])


@pytest.mark.parametrize("piece", ["{{", "{{(", "{{'", "{#", "{{x", "{{ ", "\\", "{{'\\"])
def test_a_megabyte_of_beginnings_is_read_once(piece: str) -> None:
    assert kinds(piece * (1_000_000 // len(piece)))[-1:] in (["broken"], [])


@given(st.text(alphabet="{}%#'\"\\-ab_.[]()|~ \n") | st.text())
def test_any_text_gives_tokens_in_their_places(template: str) -> None:
    at = 0
    for token in tokens(template):
        assert token.at >= at
        assert template.startswith(token.text, token.at)
        at = token.at + len(token.text) if token.kind != "broken" else token.at
