"""Merging evidence: what the review does not decide stays out, what it refuses stays out for good."""

from __future__ import annotations

import tomllib
from typing import Any

from secureload.scan.allow.merge import merge

REVIEW = """
[examined]
"sklearn.read:*" = "stores the state"
"scipy.runs:*" = "only under distribution: executes a text of the state"
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
    lines: dict[str, list[str]] = {tier: [] for tier in ("new-only", "callable", "import-only")}
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


def with_effects(release: str, ref: str, uses: list[str], *effects: str) -> dict[str, Any]:
    made = environment(release, [ref] if not uses else [])
    if uses:
        made["globals"][ref] = {"uses": uses, "cases": ["a case"], "arguments": []}
    return {**made, "effects": {ref: list(effects)}}


def test_a_class_that_runs_code_which_nobody_has_read_is_left_out_and_reported() -> None:
    unread, read = "sklearn.new:A.__setstate__", "sklearn.read:B.__setstate__"
    for uses in (["import", "new"], []):
        lines, undecided = merged(with_effects("1.0", "sklearn.a:A", uses, read, unread))
        assert not any(lines.values())
        assert len(undecided) == 1
        assert unread in undecided[0]
        assert read not in undecided[0]


def test_a_class_that_runs_code_which_a_person_has_read_is_admitted() -> None:
    lines, undecided = merged(
        with_effects("1.0", "sklearn.a:A", ["import", "new"], "sklearn.read:B.__setstate__")
    )
    assert lines["new-only"] == ["sklearn.a:A  1.0: a case"]
    assert undecided == []


def test_what_one_rule_makes_harmless_is_admitted_under_that_rule_and_under_no_other() -> None:
    effect = "scipy.runs:rv.__setstate__"
    lines, undecided = merged(with_effects("1.0", "scipy.state:norm", ["import", "new"], effect))
    assert lines["callable"] == ["scipy.state:norm  distribution  1.9: a case"]
    assert undecided == []
    lines, undecided = merged(with_effects("1.0", "sklearn.other:norm", ["import", "new"], effect))
    assert not any(lines.values())
    assert effect in undecided[0]


def test_what_is_only_referred_to_runs_nothing() -> None:
    lines, _ = merged(with_effects("1.0", "sklearn.a:A", ["import"], "sklearn.new:A.__setstate__"))
    assert lines["import-only"] == ["sklearn.a:A  1.0: a case"]


def test_a_listed_class_that_cases_only_refer_to_has_the_tier_of_the_list() -> None:
    made = environment("1.0", ["sklearn.a:A"], sklearn_DOT_a__A=["import"])
    assert merged(made)[0]["new-only"] == ["sklearn.a:A  1.0: case"]


PRESENT = """
[library]
name = "scikit-learn"
releases = ["1.3.2", "1.4.2"]
[new-only]
globals = '''
sklearn.a:Old  1.3.2-1.4.2: a case of old
sklearn.a:Listed  1.4.2: defined there
sklearn.bad:Bad  1.3.2: before it was refused
'''
"""


def test_a_new_release_widens_what_the_list_has_and_keeps_its_cases() -> None:
    new = environment("1.5.0", ["sklearn.a:Listed"], sklearn_DOT_a__Old=["import", "new"])
    files, undecided = merge([new], REVIEW, [PRESENT])
    text = files["scikit-learn.toml"]
    assert undecided == []
    assert 'releases = ["1.3.2", "1.4.2", "1.5.0"]' in text
    assert "sklearn.a:Old  1.3.2-1.5.0: a case of old\n" in text
    assert "sklearn.a:Listed  1.4.2-1.5.0: defined there\n" in text
    assert "Bad" not in text


def test_merging_the_list_with_nothing_new_changes_nothing() -> None:
    present = PRESENT.replace("sklearn.bad:Bad  1.3.2: before it was refused\n", "")
    (text,) = merge([], REVIEW, [present])[0].values()
    assert merge([], REVIEW, [text])[0] == {"scikit-learn.toml": text}
