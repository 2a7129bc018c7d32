from __future__ import annotations

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.report.printed import printed
from secureload.report.report import Report, ReportCoverage, ReportFinding, ReportMember, ReportSection

from .samples import accepted, rejected

TEXT = st.text(st.characters(), max_size=30) | st.sampled_from(
    ["\x1b[31mred", "a\nb", "\u202egnp.exe", "[bold]x"]
)
REPORTS = st.builds(
    Report,
    title=TEXT,
    locator=TEXT,
    outcome=TEXT,
    exit_code=st.integers(0, 6),
    summary=TEXT,
    digest=TEXT,
    sections=st.lists(
        st.builds(
            ReportSection,
            TEXT,
            st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple),
            st.lists(TEXT, max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    findings=st.lists(
        st.builds(
            ReportFinding, TEXT, st.sampled_from(["dangerous", "unknown", "note"]), TEXT, TEXT, TEXT, TEXT
        ),
        max_size=3,
    ).map(tuple),
    coverage=st.none()
    | st.builds(
        ReportCoverage,
        members_examined=st.integers(0, 9),
        bytes_total=st.integers(0, 1 << 40),
        bytes_examined=st.just(1),
        skipped=st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple),
    ),
    signatures=st.lists(TEXT, max_size=2).map(tuple),
    members=st.lists(
        st.builds(ReportMember, name=TEXT, outcome=TEXT, exit_code=st.integers(0, 5)), max_size=3
    ).map(tuple),
    decompiled=TEXT,
    admission=TEXT,
    hint=TEXT,
)


def texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple):
        return [text for item in value for text in texts(item)]
    if dataclasses.is_dataclass(value):
        return [text for field in dataclasses.fields(value) for text in texts(getattr(value, field.name))]
    return []


@given(report=REPORTS)
@settings(deadline=None, max_examples=40)
def test_no_text_of_a_report_is_forgotten(report: Report) -> None:
    shown = printed(report, text_chars=50, source_lines=5)
    assert all(text.replace("\n", "").isprintable() for text in texts(shown))
    assert all("\n" not in text for text in texts(dataclasses.replace(shown, decompiled="")))
    assert shown.exit_code == report.exit_code


def test_ordinary_text_is_left_as_it_is() -> None:
    assert printed(accepted(), text_chars=400, source_lines=60) == accepted()


def test_the_source_keeps_its_lines_up_to_a_number_and_counts_the_rest() -> None:
    report = dataclasses.replace(rejected(), decompiled="a = 1\n" * 10)
    assert printed(report, text_chars=400, source_lines=3).decompiled.split("\n") == [
        "a = 1",
        "a = 1",
        "a = 1",
        "# … 7 more lines",
    ]


def test_a_line_separator_in_the_source_begins_no_line() -> None:
    report = dataclasses.replace(rejected(), decompiled="a = '\u2028forged\r\x85line'")
    assert printed(report, text_chars=400, source_lines=9).decompiled == "a = '\\u2028forged\\r\\x85line'"
