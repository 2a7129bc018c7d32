from __future__ import annotations

import dataclasses
import json

from hypothesis import given, settings

from secureload.report.as_json import SCHEMA, render_json, report_fields
from secureload.report.report import Report

from .samples import accepted, many, rejected
from .test_printed import REPORTS


def test_the_json_says_what_the_report_says() -> None:
    parsed = json.loads(render_json(rejected()))
    assert parsed["schema"] == SCHEMA == "https://secureload.dev/schema/check/v1"
    assert (parsed["outcome"], parsed["exit_code"], parsed["locator"]) == ("REJECTED", 1, "evil.pkl")
    assert parsed["findings"][0] == {
        "id": "dangerous-call",
        "severity": "dangerous",
        "title": "calls os:system",
        "location": "offset 12",
        "detail": "with 'echo hello'",
        "hint": "Do not load it.",
    }
    assert [finding["severity"] for finding in parsed["findings"]] == [
        "dangerous",
        "unknown",
        "warning",
        "note",
    ]
    assert parsed["coverage"]["skipped"] == [{"name": "weights.bin", "why": "unknown format"}]
    assert parsed["decompiled"] == ["from os import system", "_var0 = system('echo hello')", "result = _var0"]


def test_the_keys_stand_in_a_fixed_order_and_the_bytes_are_the_same_each_time() -> None:
    assert list(json.loads(render_json(accepted())))[:6] == [
        "schema",
        "title",
        "locator",
        "digest",
        "outcome",
        "exit_code",
    ]
    shuffled = dataclasses.replace(rejected(), findings=rejected().findings[::-1])
    assert render_json(shuffled) == render_json(rejected())


def test_every_member_is_in_the_json_the_worst_first() -> None:
    members = json.loads(render_json(many(250)))["members"]
    assert len(members) == 250
    assert members[0]["outcome"] == "REJECTED"


@given(report=REPORTS)
@settings(deadline=None, max_examples=40)
def test_any_report_gives_ascii_json_that_parses_back_to_the_same_fields(report: Report) -> None:
    text = render_json(report)
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text) == report_fields(report)
    assert (json.loads(text)["conclusion"] == "Nothing found in what was examined") <= (report.exit_code == 0)
