"""rules and explain."""

from __future__ import annotations

import json

from secureload.scan.examine import all_rules

from .conftest import Shell


def test_every_rule_is_listed_with_its_severities_and_explained(shell: Shell) -> None:
    out = shell("rules").succeeded().out
    listed = json.loads(shell("rules", "--format", "json").succeeded().out)
    assert len(listed) == len(all_rules()) > 5
    for rule, fields in zip(all_rules(), listed, strict=True):
        (line,) = (line for line in out.splitlines() if line.startswith(rule.rule_id))
        assert line.endswith(rule.title)
        assert " or ".join(fields["severities"]) in line
        page = shell("explain", rule.rule_id.lower()).succeeded().out
        assert rule.explanation in page
        for code, grade in rule.grades.items():
            assert f"  {code}  ({grade.severity.value}" in page
            assert grade.hint in page


def test_a_rule_is_explained_for_programs_too(shell: Shell) -> None:
    graded = next(rule for rule in all_rules() if rule.grades)
    fields = json.loads(shell("explain", graded.rule_id, "--format", "json").succeeded().out)
    assert fields["id"] == graded.rule_id
    assert {code["code"] for code in fields["codes"]} == set(graded.grades)
    assert fields["source"].startswith("secureload/scan/rules/")


def test_an_unknown_rule_names_those_that_there_are(shell: Shell) -> None:
    assert "SL101" in shell("explain", "SL000").failed(2).err
