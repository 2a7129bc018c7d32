"""HTML: one file that runs nothing and fetches nothing, whatever stands in an artifact."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from secureload.report.as_html import render_html
from secureload.report.run import Run

from .samples import accepted, archive, one, rejected, several, unreadable
from .test_printed import RUNS
from .test_terminal import filled_with

TAGS = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "footer", "section", "article", "details",
    "summary", "h1", "h2", "h3", "h4", "p", "ul", "li", "b", "span", "a", "pre", "dl", "dt", "dd", "div",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "id", "href"}
EMPTY = {"meta"}


class Page(HTMLParser):
    """Every tag is one of ours, closed in its order; the words are collected."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        assert {name for name, _ in attrs} <= ATTRIBUTES, attrs
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return "\n".join(self.words)


def test_a_rejected_file_is_told_at_a_glance() -> None:
    page = Page(render_html(one(rejected()))).text
    assert "rejected" in page
    assert "posix.system('echo hello')" in page
    assert "12: R REDUCE" in page
    assert "_var0 = system('echo hello')" in page
    assert "weights.bin" in page
    assert page.index("posix.system spawns processes") < page.index("mylib.Model")


def test_many_files_are_a_table_that_leads_to_each() -> None:
    warned = dataclasses.replace(accepted(), locator="old.pkl", findings=rejected().findings[3:])
    page = Page(render_html(several(rejected(), accepted(), unreadable(), warned)))
    assert page.links == ["#file-0", "#file-1", "#file-3"], "of an accepted one there may be nothing to add"
    assert page.text.index("evil.pkl") < page.text.index("fifo") < page.text.index("model.joblib")


def test_members_are_listed_by_their_depth() -> None:
    text = render_html(one(archive(3)))
    assert 'class="depth-1"' in text
    assert "inside.pkl" in text


def test_nothing_is_fetched_or_run_and_the_policy_admits_the_one_style_sheet_by_its_hash() -> None:
    text = render_html(one(accepted()))
    style = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert len(style) == 1
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in text
    assert "<" not in style[0]
    for word in ("url(", "@import", "http:", "https:", "<script", "javascript:", "src="):
        assert word not in text


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</pre></style><h1>accepted</h1>",
        "&lt;b&gt; &amp; '",
        "]]> --> <!--",
        "\x1b[31m\u202e\u2028",
    ],
)
@pytest.mark.parametrize("single", [True, False])
def test_texts_of_an_artifact_are_shown_and_not_obeyed(text: str, single: bool) -> None:
    page = Page(render_html(dataclasses.replace(filled_with(text), single=single)))
    shown = text if text.isprintable() else "\\x1b[31m\\u202e\\u2028"
    assert page.text.count(shown) >= 10


@given(run=RUNS)
@settings(deadline=None, max_examples=60)
def test_any_run_gives_a_well_formed_page_of_printable_text(run: Run) -> None:
    page = Page(render_html(run))
    assert all(word.replace("\n", "").isprintable() for word in page.words)
    render_html(run).encode("utf-8")


def test_a_run_over_many_files_says_what_it_was_interrupted_at() -> None:
    run = several(accepted(), exit_code=130, outcome="interrupted", not_reached=9)
    assert "Interrupted: not everything was looked at" in Page(render_html(run)).text
