"""JSON: what it says, and that its published schema describes every bit of it."""

from __future__ import annotations

import copy
import dataclasses
import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from secureload.report.as_json import SCHEMA, SCHEMA_VERSION, render_json, run_fields
from secureload.report.run import Run

from .samples import accepted, archive, many, one, rejected, several, unreadable
from .test_printed import RUNS

ROOT = Path(__file__).resolve().parents[2]


@cache
def schema() -> Any:
    text = resources.files("secureload.report").joinpath("schema/report-v1.json").read_text(encoding="utf-8")
    return json.loads(text)


@cache
def strict() -> jsonschema.Draft202012Validator:
    """The schema with nothing allowed that it does not describe."""
    whole = copy.deepcopy(schema())
    close(whole)
    return jsonschema.Draft202012Validator(whole)


def close(value: Any) -> None:
    if isinstance(value, dict):
        if "properties" in value and value.get("type") == "object":
            value["additionalProperties"] = False
        for inner in value.values():
            close(inner)
    elif isinstance(value, list):
        for inner in value:
            close(inner)


def test_the_json_says_what_the_report_says() -> None:
    parsed = json.loads(render_json(several(rejected(), accepted(), unreadable())))
    assert (
        (parsed["schema"], parsed["schema_version"])
        == (SCHEMA, SCHEMA_VERSION)
        == ("secureload-report", "1.1")
    )
    assert (parsed["outcome"], parsed["exit_code"], parsed["locator"]) == ("rejected", 1, "folder")
    assert [file["locator"] for file in parsed["files"]] == ["evil.pkl", "fifo", "model.joblib"]
    file = parsed["files"][0]
    assert file["findings"][0] == {
        "id": "SL101",
        "severity": "dangerous",
        "confidence": "high",
        "title": "posix.system spawns processes",
        "member": "",
        "offset": 12,
        "opcode": "REDUCE",
        "location": "offset 12, REDUCE",
        "detail": "loading it would run: posix.system('echo hello')",
        "hint": "do not load it",
        "opcodes": ["   10: U SHORT_BINSTRING 'echo hello'", "   12: R REDUCE"],
        "fingerprint": file["findings"][0]["fingerprint"],
    }
    assert [finding["severity"] for finding in file["findings"]] == [
        "dangerous",
        "unknown",
        "warning",
        "note",
    ]
    assert file["findings"][3]["offset"] is None
    assert file["coverage"]["not_examined"] == [{"name": "weights.bin", "why": "unknown format"}]
    assert file["decompiled"] == ["from os import system", "_var0 = system('echo hello')", "result = _var0"]
    assert parsed["files"][1]["error"] == "artifact.unsupported"
    assert parsed["skipped"] == [{"name": "README.md", "why": "a text file"}]


def test_one_file_has_the_same_shape_as_many() -> None:
    assert run_fields(one(accepted())).keys() == run_fields(several(accepted())).keys()
    assert len(run_fields(one(accepted()))["files"]) == 1


def test_the_keys_stand_in_a_fixed_order_and_the_bytes_are_the_same_each_time() -> None:
    assert list(json.loads(render_json(one(accepted()))))[:6] == [
        "schema",
        "schema_version",
        "tool",
        "locator",
        "outcome",
        "exit_code",
    ]
    shuffled = dataclasses.replace(rejected(), findings=rejected().findings[::-1])
    assert render_json(one(shuffled)) == render_json(one(rejected()))


def test_every_file_and_every_member_is_in_the_json() -> None:
    assert len(json.loads(render_json(many(250)))["files"]) == 250
    assert len(json.loads(render_json(one(archive(250))))["files"][0]["members"]) == 251


@pytest.mark.parametrize(
    "run",
    [one(accepted()), one(rejected()), one(archive(3)), several(), several(unreadable(), not_reached=2)],
    ids=["accepted", "rejected", "archive", "nothing", "interrupted"],
)
def test_the_schema_describes_the_whole_document(run: Run) -> None:
    strict().validate(json.loads(render_json(run)))


@given(run=RUNS)
@settings(deadline=None, max_examples=60)
def test_any_run_gives_ascii_json_that_fits_the_schema(run: Run) -> None:
    text = render_json(run)
    assert text.isascii()
    assert "\x1b" not in text
    parsed = json.loads(text)
    assert parsed == run_fields(run)
    assert (parsed["conclusion"] == "Nothing found in what was examined") <= (run.exit_code == 0)
    strict().validate(parsed)


def test_the_schema_is_one_and_says_of_every_field_what_it_is() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    undescribed = [
        name
        for definition in (schema(), *schema()["$defs"].values())
        for name, field in definition["properties"].items()
        if "const" not in field and "$ref" not in field and not field.get("description")
    ]
    assert undescribed == []


def test_every_required_field_is_required() -> None:
    for definition in (schema(), *schema()["$defs"].values()):
        assert definition["required"] == list(definition["properties"])


def test_the_page_about_the_format_names_every_field() -> None:
    page = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    names = {
        name for definition in (schema(), *schema()["$defs"].values()) for name in definition["properties"]
    }
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []
