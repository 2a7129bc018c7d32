"""SARIF 2.1.0: valid by the schema of its standard, and a result for every file that is not accepted.

``sarif-2.1.0-rtm.5.json`` is the schema of the OASIS standard (Copyright © OASIS Open 2020, which may be copied
and distributed), without its descriptions.
"""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
from hypothesis import given, settings

from secureload.api.rule_pages import rule_pages
from secureload.report.as_sarif import render_sarif, sarif_fields
from secureload.report.report import Report, ReportFinding
from secureload.report.run import Run

from .samples import accepted, one, rejected, several, unreadable
from .test_printed import RUNS


@cache
def validator() -> jsonschema.Draft4Validator:
    text = (Path(__file__).parent / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8")
    return jsonschema.Draft4Validator(json.loads(text), format_checker=jsonschema.FormatChecker())


def run_of(run: Run) -> Any:
    fields = sarif_fields(run, rule_pages())
    validator().validate(fields)
    return fields["runs"][0]


def test_the_schema_refuses_what_is_no_sarif() -> None:
    assert not validator().is_valid({"version": "2.1.0", "runs": [{"results": []}]})
    assert not validator().is_valid({"version": "2.0.0", "runs": []})


def test_a_finding_is_a_result_with_its_level_its_place_and_its_fingerprint() -> None:
    found = run_of(one(rejected()))["results"]
    assert [result["level"] for result in found] == ["error", "warning", "warning", "note"]
    first = found[0]
    assert first["ruleId"] == "SL101"
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "downloads/evil.pkl", "index": 0},
        "region": {"byteOffset": 12},
    }
    assert first["message"]["text"] == (
        "posix.system spawns processes. loading it would run: posix.system('echo hello')"
    )
    assert list(first["partialFingerprints"]) == ["secureloadFinding/v1"]
    assert first["properties"]["confidence"] == "high"


def test_a_finding_in_a_member_names_the_member_as_an_artifact_inside_the_file() -> None:
    finding = ReportFinding(id="SL101", severity="dangerous", title="t", member="in ner/a.pkl", offset=7)
    run = run_of(one(dataclasses.replace(rejected(), findings=(finding,))))
    result = run["results"][0]
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "downloads/evil.pkl", "index": 0}
    }
    assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "in ner/a.pkl"
    inside = result["relatedLocations"][0]["physicalLocation"]
    assert inside == {"artifactLocation": {"uri": "/in%20ner/a.pkl", "index": 1}, "region": {"byteOffset": 7}}
    assert run["artifacts"][1] == {"location": {"uri": "/in%20ner/a.pkl"}, "parentIndex": 0}


def test_a_file_that_is_named_twice_is_one_artifact() -> None:
    run = run_of(several(rejected(), rejected()))
    assert [artifact["location"]["uri"] for artifact in run["artifacts"]] == ["downloads/evil.pkl", "/a.zip"]
    assert len(run["results"]) == 8


def test_every_rule_is_listed_with_its_page_and_every_result_points_at_its_own() -> None:
    run = run_of(several(rejected(), unreadable()))
    rules = run["tool"]["driver"]["rules"]
    assert {page.id for page in rule_pages()} < {rule["id"] for rule in rules}
    for rule in rules:
        assert rule["fullDescription"]["text"]
        assert urlsplit(rule["helpUri"]).scheme == "https"
        assert rule["name"].isalnum()
    known = [result for result in run["results"] if "ruleIndex" in result]
    assert known
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in known)


def untrusted() -> Report:
    return Report(locator="m.pkl", outcome="untrusted", exit_code=4, summary="nobody vouches", coverage=None)


def failed() -> Report:
    return Report(locator="m.pkl", outcome="failed", exit_code=5, summary="no seccomp")


@pytest.mark.parametrize(
    ("report", "rule", "level"),
    [(unreadable(), "SL201", "warning"), (untrusted(), "untrusted", "error")],
    ids=["undecided", "untrusted"],
)
def test_a_file_that_is_not_accepted_and_has_no_finding_has_a_result(
    report: Report, rule: str, level: str
) -> None:
    (result,) = run_of(several(report))["results"]
    assert (result["ruleId"], result["level"], result["message"]["text"]) == (rule, level, report.summary)


def test_an_untrusted_file_says_so_beside_its_findings() -> None:
    report = dataclasses.replace(untrusted(), findings=rejected().findings[:1])
    assert [result["ruleId"] for result in run_of(several(report))["results"]] == ["SL301", "untrusted"]


def test_what_failed_is_told_as_a_failure_of_the_tool() -> None:
    run = run_of(several(failed(), exit_code=5))
    assert run["results"] == []
    invocation = run["invocations"][0]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 5)
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "no seccomp"


@pytest.mark.parametrize("exit_code", [0, 1, 3, 4])
def test_a_verdict_is_a_successful_execution_with_its_exit_code(exit_code: int) -> None:
    invocation = run_of(several(accepted(), exit_code=exit_code))["invocations"][0]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (True, exit_code)


def test_what_was_interrupted_is_not_successful_and_counts_what_is_left() -> None:
    invocation = run_of(several(accepted(), exit_code=130, not_reached=5))["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert "5 files were not reached" in invocation["toolExecutionNotifications"][-1]["message"]["text"]


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("a b/ç.pkl", "a%20b/%C3%A7.pkl"),
        ("/abs/m.pkl", "file:///abs/m.pkl"),
        ("c:%41?#.pkl", "c%3A%2541%3F%23.pkl"),
        ("\udcff\n.pkl", "%FF%0A.pkl"),
    ],
)
def test_a_name_becomes_a_uri_by_its_bytes(name: str, uri: str) -> None:
    report = dataclasses.replace(accepted(), path=name)
    assert run_of(one(report))["artifacts"][0]["location"]["uri"] == uri


@given(run=RUNS)
@settings(deadline=None, max_examples=60)
def test_any_run_gives_valid_ascii_sarif(run: Run) -> None:
    text = render_sarif(run, rule_pages())
    assert text.isascii()
    validator().validate(json.loads(text))
