"""Lines, columns and indents."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from secureload.report.layout import Page, columns_of

PRINTABLE = st.text(st.characters(), max_size=200).map(
    lambda text: "".join(char for char in text if char.isprintable())
)


def lines_of(page: Page) -> list[str]:
    return page.text().split("\n")[:-1]


def test_words_are_wrapped_at_spaces_and_long_ones_are_cut() -> None:
    page = Page(width=40, color=False)
    page.hanging([("one two ", ""), ("three " * 8, "bold"), ("x" * 50, "")], "> ", "  ")
    lines = lines_of(page)
    assert lines[0] == "> one two three three three three three"
    assert lines[1] == "  three three three"
    assert lines[2:] == ["  " + "x" * 38, "  " + "x" * 12]


def test_rows_stand_below_each_other_even_where_a_label_is_long() -> None:
    page = Page(width=60, color=False)
    page.rows([("a", "1"), ("label", "2"), ("x" * 40, "3")])
    assert lines_of(page) == [
        "  a" + " " * 21 + "1",
        "  label" + " " * 17 + "2",
        "  " + "x" * 40,
        " " * 24 + "3",
    ]


def test_wide_and_combining_characters_are_measured_as_terminals_do() -> None:
    assert columns_of("abc") == 3
    assert columns_of("漢字") == 4
    assert columns_of("e\u0301") == 1


@given(text=PRINTABLE, width=st.integers(0, 90))
def test_no_line_is_wider_than_the_page_and_no_character_is_lost(text: str, width: int) -> None:
    page = Page(width=width, color=False)
    page.indented(text)
    lines = lines_of(page)
    assert all(cell_len(line) <= max(40, width) for line in lines)
    assert all(line.startswith("  ") or not line for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(texts=st.lists(PRINTABLE, max_size=3))
def test_colour_never_changes_where_lines_end(texts: list[str]) -> None:
    plain, colored = Page(width=50, color=False), Page(width=50, color=True)
    for page in (plain, colored):
        page.hanging([(text, "red") for text in texts])
    assert len(lines_of(plain)) == len(lines_of(colored))
