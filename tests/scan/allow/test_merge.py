"""Merging evidence: what the review does not decide stays out, what it refuses stays out for good."""

from __future__ import annotations

import tomllib
from typing import Any

from secureload.scan.allow.merge import merge

REVIEW = """
[refused]
"sklearn.bad:*" = "opens files"
[state]
"scipy.state:*" = "distribution"
[listed]
"sklearn.*:[a-z]*" = "import-only"
"sklearn.*:*" = "new-only"
[callable]
"numpy:dtype" = "dtype-code"
"""


def environment(release: str, listed: list[str], **globals_: list[str]) -> dict[str, Any]:
    return {
        "releases": {"python": "3.11.7", "scikit-learn": release, "numpy": "2.0", "scipy": "1.9"},
        "globals": {
            name.replace("__", ":").replace("_DOT_", "."): {
                "uses": uses,
                "cases": ["a long case", "case"],
                "arguments": [],
            }
            for name, uses in globals_.items()
        },
        "listed": listed,
    }


def merged(*environments: dict[str, Any]) -> tuple[dict[str, list[str]], list[str]]:
    files, undecided = merge(environments, REVIEW)
    lines: dict[str, list[str]] = {}
    for text in files.values():
        data = tomllib.loads(text)
        for tier in ("new-only", "callable", "import-only"):
            lines.setdefault(tier, []).extend(data.get(tier, {"globals": ""})["globals"].split("\n")[:-1])
    return {tier: [line for line in found if line] for tier, found in lines.items()}, undecided


def test_the_tier_is_what_the_evidence_shows_and_the_releases_are_a_range() -> None:
    first = environment("1.10.0", [], sklearn_DOT_a__A=["import", "new"], sklearn_DOT_a__f=["import"])
    second = environment("1.9.1", [], sklearn_DOT_a__A=["import", "new"], numpy__dtype=["import", "call"])
    lines, undecided = merged(first, second)
    assert lines["new-only"] == ["sklearn.a:A  1.9.1-1.10.0: case"]
    assert lines["import-only"] == ["sklearn.a:f  1.10.0: case"]
    assert lines["callable"] == ["numpy:dtype  dtype-code  2.0: case"]
    assert undecided == []


def test_a_callable_without_a_rule_is_left_out_and_reported() -> None:
    lines, undecided = merged(environment("1.0", [], numpy__load=["import", "call"]))
    assert lines["callable"] == []
    assert len(undecided) == 1
    assert undecided[0].startswith("numpy:load")


def test_what_the_review_refuses_is_left_out_whatever_its_use() -> None:
    lines, undecided = merged(environment("1.0", ["sklearn.bad:B"], sklearn_DOT_bad__open=["import", "call"]))
    assert not any(lines.values())
    assert undecided == []


def test_a_class_whose_state_is_executed_enters_with_a_rule_for_its_state() -> None:
    lines, _ = merged(environment("1.0", [], scipy_DOT_state__norm=["import", "new"]))
    assert lines["callable"] == ["scipy.state:norm  distribution  1.9: case"]
    assert lines["new-only"] == []


def test_what_is_listed_but_unseen_says_so() -> None:
    lines, _ = merged(environment("1.0", ["sklearn.a:New", "sklearn.a:function"]))
    assert lines["new-only"] == ["sklearn.a:New  1.0: defined there"]
    assert lines["import-only"] == ["sklearn.a:function  1.0: defined there"]
