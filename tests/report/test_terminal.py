from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from secureload.report.report import NOTHING_FOUND, ReportFinding, ReportPart, ReportSignature
from secureload.report.run import Run
from secureload.report.terminal import render_text

from .samples import accepted, archive, many, one, rejected, several, unreadable
from .test_printed import RUNS

# What we write for colours and weights: the only escapes that there may be.
OUR_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def test_an_accepted_artifact_is_told_in_a_few_plain_lines() -> None:
    assert render_text(one(accepted()), color=False, width=100) == (
        "secureload check model.joblib\n"
        f"  sha256 {'ab' * 32}\n"
        "accepted: as joblib.load reads it\n"
        "\n"
        "What it is\n"
        "  format    a pickle\n"
        "  size      2,048 bytes\n"
        "  read      as joblib.load reads it\n"
        "  protocol  5\n"
        "  would do  import 2 globals, 1 operation\n"
        "\n"
        "Signatures\n"
        "  signed by alice (SHA256:abc)\n"
        "\n"
        "Coverage\n"
        "  1 file examined, 0 not examined; 2,048 of 2,048 bytes accounted for, 0 unreadable\n"
        "\n"
        "Policy: admitted by policy 'examine'\n"
        "Nothing found in what was examined.\n"
    )


def test_a_rejected_artifact_is_told_with_the_worst_first_its_opcodes_and_its_source() -> None:
    text = render_text(one(rejected()), color=False, width=100)
    assert (
        text.index("dangerous posix.system")
        < text.index("unknown   mylib")
        < text.index("warning   12 bytes after the archive  [SL401, medium confidence]")
    )
    assert "            at offset 12, REDUCE\n" in text
    assert "            │    12: R REDUCE\n" in text
    assert "            hint: do not load it\n" in text
    assert "  │ _var0 = system('echo hello')\n" in text
    assert "  not examined: weights.bin (unknown format)\n" in text
    assert "Rejected: it holds something dangerous; do not load it.\nHint: Ask the sender.\n" in text
    assert NOTHING_FOUND not in text


def test_the_hint_can_be_left_out_for_it_stands_elsewhere() -> None:
    assert "Hint" not in render_text(one(rejected()), color=False, width=100, hint=False)


def test_the_members_of_a_container_are_a_small_tree_cut_with_a_count() -> None:
    lines = render_text(one(archive(100)), color=False, width=100).split("\n")
    assert "  members   100, and 7 of raw data" in lines
    assert "    archive/000.pkl  a pickle, 10 bytes, as torch.load reads it" in lines
    assert "      inside.pkl  a pickle, 10 bytes, as torch.load reads it" in lines
    assert "    archive/099.pkl  a pickle, 10 bytes, as torch.load reads it  [dangerous]" in lines
    assert "    and 60 members more; the JSON report has them all" in lines


def test_colour_is_added_and_changes_no_word() -> None:
    for run in (one(rejected()), several(rejected(), accepted())):
        colored = render_text(run, color=True, width=100)
        assert "\x1b[" in colored
        plain = "\n".join(line.rstrip() for line in OUR_ESCAPES.sub("", colored).split("\n"))
        assert plain == render_text(run, color=False, width=100)


def test_the_environment_does_not_change_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    before = render_text(one(rejected()), color=True, width=80)
    for name, value in (("NO_COLOR", "1"), ("FORCE_COLOR", "1"), ("COLUMNS", "20"), ("TERM", "dumb")):
        monkeypatch.setenv(name, value)
    assert render_text(one(rejected()), color=True, width=80) == before


ATTACKS = [
    "[bold red]x[/]",
    "[link=https://evil.example]click[/link]",
    ":skull:",
    "[/]",
    "[",
    "\x1b[2J\x1b]8;;https://evil.example\x07",
    "\x9b31m",
    "a\raccepted",
    "a\nNothing found in what was examined.",
    "\u202egnp.lkp",
    "\u200b\u2066",
    "\ud800",
]


def filled_with(text: str) -> Run:
    report = dataclasses.replace(
        rejected(),
        locator=text,
        summary=text,
        findings=(
            ReportFinding(
                id=text,
                severity="dangerous",
                title=text,
                member=text,
                detail=text,
                hint=text,
                opcodes=(text,),
            ),
        ),
        parts=(
            ReportPart(path="", format=text, description=text, versions=((text, text),)),
            ReportPart(path=text, format=text, description=text, loader=text),
        ),
        signatures=(ReportSignature(status=text, text=text),),
        decompiled=text,
        fickling_messages=(text,),
        admission=text,
        hint=text,
    )
    return dataclasses.replace(
        one(report),
        hint=text,
        locator=text,
        summary=text,
        skipped=((text, text),),
        signatures=report.signatures,
    )


@pytest.mark.parametrize("text", ATTACKS, ids=repr)
@pytest.mark.parametrize("color", [True, False])
@pytest.mark.parametrize("single", [True, False])
def test_markup_and_escapes_in_names_are_shown_and_not_obeyed(text: str, color: bool, single: bool) -> None:
    run = dataclasses.replace(filled_with(text), single=single)
    shown = OUR_ESCAPES.sub("", render_text(run, color=color, width=120))
    assert all(line.isprintable() for line in shown.split("\n"))
    assert not any(line.startswith(NOTHING_FOUND) for line in shown.split("\n"))
    if text.isprintable():
        assert shown.count(text) >= 12


@given(filler=st.integers(0, 130), width=st.integers(40, 120), single=st.booleans())
@settings(deadline=None, max_examples=30)
def test_no_layout_lets_a_text_stand_where_the_conclusion_stands(
    filler: int, width: int, single: bool
) -> None:
    forged = "a" * filler + " " + NOTHING_FOUND + "."
    run = dataclasses.replace(filled_with(forged), single=single)
    lines = render_text(run, color=False, width=width).split("\n")
    assert not any(line.startswith(NOTHING_FOUND[:10]) for line in lines)


@given(run=RUNS, color=st.booleans(), width=st.integers(-5, 200))
@settings(deadline=None, max_examples=50)
def test_any_run_is_rendered_within_its_width_and_without_foreign_escapes(
    run: Run, color: bool, width: int
) -> None:
    text = render_text(run, color=color, width=width)
    assert text.endswith("\n")
    lines = OUR_ESCAPES.sub("", text).split("\n")
    assert all(line.isprintable() for line in lines)
    assert all(cell_len(line) <= max(width, 40) for line in lines)
    assert color or "\x1b" not in text


def test_many_files_are_a_table_with_the_worst_first_and_a_count() -> None:
    lines = render_text(many(250), color=False, width=90).split("\n")
    start = next(number for number, line in enumerate(lines) if line == "Files (250)")
    assert lines[start + 1].split() == ["outcome", "findings", "bytes", "file"]
    assert lines[start + 2].split() == ["rejected", "1", "249,000", "part-0249.pkl"]
    assert lines[start + 3].split() == ["accepted", "0", "0", "part-0000.pkl"]
    assert "  and 50 more; the JSON report has them all" in lines


def test_the_summary_counts_every_kind_of_file_even_where_there_is_little_room() -> None:
    run = several(rejected(), accepted(), unreadable(), not_reached=4)
    lines = render_text(run, color=False, width=90).split("\n")
    start = lines.index("Summary")
    labels = ["files", "examined", "skipped", "not", "reached", "accepted", "rejected", "undecided"]
    assert lines[start + 1].split() == labels
    assert lines[start + 2].split() == ["8", "2", "1", "4", "1", "1", "1"]
    assert "  undecided    1" in render_text(run, color=False, width=40).split("\n")


def test_each_file_that_is_not_accepted_is_told_the_worst_last_where_one_reads() -> None:
    text = render_text(several(unreadable(), rejected(), accepted()), color=False, width=90)
    assert text.index("check fifo") < text.index("check evil.pkl") < text.index("check folder")
    assert "check model.joblib" not in text
    assert "not examined: README.md (a text file)" in text


def test_what_is_told_of_accepted_files_is_told_once_with_how_many() -> None:
    warning = ReportFinding(id="SL301", severity="warning", title="saved with another version")
    told = [
        dataclasses.replace(accepted(), locator=f"{number}.pkl", findings=(warning,)) for number in range(3)
    ]
    text = render_text(several(*told, accepted(), exit_code=0, outcome="accepted"), color=False, width=90)
    assert "Warnings about accepted files\n" in text
    assert "  saved with another version  [SL301]: 3 files, such as 0.pkl\n" in text
    assert text.endswith("Nothing found in what was examined.\n")


def test_of_very_many_bad_files_the_rest_is_counted() -> None:
    text = render_text(several(*[rejected()] * 60), color=False, width=90)
    assert text.count("secureload check evil.pkl") == 50
    assert "The reports of 10 more files are left out" in text


def test_many_findings_and_skipped_files_are_cut_with_a_count() -> None:
    coverage = rejected().coverage
    assert coverage is not None
    report = dataclasses.replace(
        rejected(),
        findings=tuple(ReportFinding(id=f"SL{n:03}", severity="unknown", title="t") for n in range(150)),
        coverage=dataclasses.replace(coverage, skipped=tuple((f"m{n}", "why") for n in range(25))),
    )
    text = render_text(one(report), color=False, width=90)
    assert "Findings (150)" in text
    assert "and 50 more; the JSON" in text
    assert "and 5 more; the JSON" in text
