from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from secureload.report.report import NOTHING_FOUND, Report, ReportFinding, ReportSection
from secureload.report.terminal import render_text

from .samples import accepted, many, rejected
from .test_printed import REPORTS

# What rich writes for colours and weights: the only escapes that there may be.
OUR_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def test_an_accepted_artifact_is_told_in_a_few_plain_lines() -> None:
    assert render_text(accepted(), color=False, width=100) == (
        "Check model.joblib\n"
        f"  sha256 {'ab' * 32}\n"
        "ACCEPTED\n"
        "\n"
        "Artifact\n"
        "  format  pickle, protocol 5\n"
        "  size    2,048 bytes\n"
        "\n"
        "Signatures\n"
        "  good: alice (SHA256:abc)\n"
        "\n"
        "Coverage\n"
        "  1 file examined, 0 not examined; 2,048 of 2,048 bytes accounted for, 0 unreadable\n"
        "\n"
        "Policy: admitted by policy default\n"
        "Nothing found in what was examined.\n"
    )


def test_a_rejected_artifact_is_told_with_the_worst_first_and_its_source() -> None:
    text = render_text(rejected(), color=False, width=100)
    assert (
        text.index("dangerous calls os:system") < text.index("unknown   mylib") < text.index("warning   12")
    )
    assert "            hint: Do not load it.\n" in text
    assert "  │ _var0 = system('echo hello')\n" in text
    assert "  not examined: weights.bin (unknown format)\n" in text
    assert "Rejected: it holds something dangerous; do not load it.\nHint: Ask the sender.\n" in text
    assert NOTHING_FOUND not in text


def test_colour_is_added_and_changes_no_word() -> None:
    colored = render_text(rejected(), color=True, width=100)
    assert "\x1b[" in colored
    plain = "\n".join(line.rstrip() for line in OUR_ESCAPES.sub("", colored).split("\n"))
    assert plain == render_text(rejected(), color=False, width=100)


def test_the_environment_does_not_change_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    before = render_text(rejected(), color=True, width=80)
    for name, value in (("NO_COLOR", "1"), ("FORCE_COLOR", "1"), ("COLUMNS", "20"), ("TERM", "dumb")):
        monkeypatch.setenv(name, value)
    assert render_text(rejected(), color=True, width=80) == before


ATTACKS = [
    "[bold red]x[/]",
    "[link=https://evil.example]click[/link]",
    ":skull:",
    "[/]",
    "[",
    "\x1b[2J\x1b]8;;https://evil.example\x07",
    "\x9b31m",
    "a\rACCEPTED",
    "a\nNothing found in what was examined.",
    "\u202egnp.lkp",
    "\u200b\u2066",
    "\ud800",
]


@pytest.mark.parametrize("text", ATTACKS, ids=repr)
@pytest.mark.parametrize("color", [True, False])
def test_markup_and_escapes_in_names_are_shown_and_not_obeyed(text: str, color: bool) -> None:
    report = dataclasses.replace(
        rejected(),
        locator=text,
        summary=text,
        findings=(ReportFinding(text, "dangerous", text, text, text, text),),
        sections=(ReportSection(text, ((text, text),), (text,)),),
        signatures=(text,),
        decompiled=text,
        admission=text,
        hint=text,
    )
    shown = OUR_ESCAPES.sub("", render_text(report, color=color, width=120))
    assert all(line.isprintable() for line in shown.split("\n"))
    assert not any(line.startswith(NOTHING_FOUND) for line in shown.split("\n"))
    if text.isprintable():
        assert shown.count(text) >= 10


@given(filler=st.integers(0, 130), width=st.integers(40, 120))
@settings(deadline=None, max_examples=30)
def test_no_layout_lets_a_text_stand_where_the_conclusion_stands(filler: int, width: int) -> None:
    forged = "a" * filler + " " + NOTHING_FOUND + "."
    report = dataclasses.replace(
        rejected(),
        locator=forged,
        summary=forged,
        findings=(ReportFinding("id", "dangerous", forged, forged, forged, forged),),
        sections=(ReportSection("Artifact", (("name", forged),), (forged,)),),
        signatures=(forged,),
        decompiled=forged,
        admission=forged,
        hint=forged,
    )
    lines = render_text(report, color=False, width=width).split("\n")
    assert not any(line.startswith(NOTHING_FOUND[:10]) for line in lines)


@given(report=REPORTS, color=st.booleans(), width=st.integers(-5, 200))
@settings(deadline=None, max_examples=50)
def test_any_report_is_rendered_within_its_width_and_without_foreign_escapes(
    report: Report, color: bool, width: int
) -> None:
    text = render_text(report, color=color, width=width)
    assert text.endswith("\n")
    lines = OUR_ESCAPES.sub("", text).split("\n")
    assert all(line.isprintable() for line in lines)
    assert all(cell_len(line) <= max(width, 40) for line in lines)
    assert color or "\x1b" not in text


def test_many_files_are_a_table_with_the_worst_first_and_a_count() -> None:
    lines = render_text(many(250), color=False, width=90).split("\n")
    start = next(number for number, line in enumerate(lines) if line.startswith("Outcome"))
    assert lines[start + 2].split() == ["REJECTED", "1", "249,000", "part-0249.pkl"]
    assert lines[start + 3].split() == ["ACCEPTED", "0", "0", "part-0000.pkl"]
    assert "  and 50 more; the JSON report has them all" in lines
    assert "  1 REJECTED, 249 ACCEPTED" in lines


def test_many_findings_and_skipped_files_are_cut_with_a_count() -> None:
    coverage = rejected().coverage
    assert coverage is not None
    report = dataclasses.replace(
        rejected(),
        findings=tuple(ReportFinding(f"id-{n}", "unknown", "t") for n in range(150)),
        coverage=dataclasses.replace(coverage, skipped=tuple((f"m{n}", "why") for n in range(25))),
    )
    text = render_text(report, color=False, width=90)
    assert "Findings (150)" in text
    assert "and 50 more; the JSON" in text
    assert "and 5 more; the JSON" in text
