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


def test_the_ids_are_in_order_and_each_is_one_rule() -> None:
    ids = [page.id for page in rule_pages()]
    assert ids == sorted(set(ids))
