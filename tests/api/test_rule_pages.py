"""Every rule has a page, and says how bad what it finds is."""

from __future__ import annotations

from pathlib import Path

import secureload
from secureload.api.rule_pages import rule_pages

SEVERITIES = ("dangerous", "unknown", "warning", "note")


def test_every_rule_says_which_severities_its_findings_have_and_where_it_stands() -> None:
    pages = rule_pages()
    assert len(pages) > 10
    root = Path(secureload.__file__).parents[1]
    for page in pages:
        assert page.severities, f"{page.id} has neither GRADES nor SEVERITIES"
        assert list(page.severities) == sorted(page.severities, key=SEVERITIES.index)
        assert page.explanation
        assert (root / page.source).is_file()
        assert page.link.endswith(page.source)


def test_every_page_says_why_it_matters_shows_an_example_and_says_what_to_do() -> None:
    for page in rule_pages():
        parts = page.explanation.split("\n\n")
        assert len(parts) >= 4, page.id
        assert sum(part.startswith("Example: ") for part in parts) == 1, page.id
        assert parts[-1].startswith("What to do: "), page.id
        assert all(len(line) <= 120 for line in page.explanation.splitlines()), page.id


def test_every_rule_has_its_tests_one_that_fires_and_one_that_stays_silent() -> None:
    root = Path(secureload.__file__).parents[1]
    for page in rule_pages():
        tests = root / "tests" / "scan" / "rules" / f"test_{Path(page.source).name}"
        text = tests.read_text(encoding="utf-8")
        assert text.count("\ndef test_") >= 2, tests.name


def test_the_ids_are_in_order_and_each_is_one_rule() -> None:
    ids = [page.id for page in rule_pages()]
    assert ids == sorted(set(ids))
