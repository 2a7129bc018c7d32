from __future__ import annotations

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.report.printed import printed
from secureload.report.report import (
    Report,
    ReportConfinement,
    ReportCoverage,
    ReportFinding,
    ReportPart,
    ReportSignature,
)
from secureload.report.run import Run

from .samples import accepted, rejected

TEXT = st.text(st.characters(), max_size=30) | st.sampled_from(
    [
        "\x1b[31mred",
        "a\nb",
        "\u202egnp.exe",
        "[bold]x",
        "<script>x</script>",
        "'\"&",
        "\ud800",
        "🏴‍☠️ 漢字 é\u0301",
    ]
)
SEVERITY = st.sampled_from(["dangerous", "unknown", "warning", "note"])
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple)
LINES = st.lists(TEXT, max_size=2).map(tuple)
SIZE = st.integers(0, 1 << 40)
COVERAGES = st.builds(
    ReportCoverage,
    members_examined=st.integers(0, 9),
    members_skipped=st.integers(0, 9),
    members_undecided=st.integers(0, 9),
    bytes_total=SIZE,
    bytes_examined=SIZE,
    skipped=PAIRS,
)
FINDINGS = st.builds(
    ReportFinding,
    id=st.from_regex(r"\ASL[0-9]{3}\Z"),
    severity=SEVERITY,
    title=TEXT,
    confidence=st.sampled_from(["high", "medium", "low"]),
    member=TEXT,
    offset=st.integers(-1, 1 << 40),
    opcode=TEXT,
    detail=TEXT,
    hint=TEXT,
    opcodes=LINES,
)
PARTS = st.builds(
    ReportPart,
    path=TEXT | st.just("a!/b!/c"),
    format=TEXT,
    description=TEXT,
    reason=TEXT,
    loader=TEXT,
    compression=TEXT,
    protocol=st.integers(-1, 255),
    imports=SIZE,
    operations=SIZE,
    versions=PAIRS,
    data_members=st.integers(0, 9),
    bytes_total=SIZE,
    bytes_examined=SIZE,
    name_disagrees=TEXT,
    worst=SEVERITY | st.just(""),
)
SIGNATURES = st.lists(
    st.builds(
        ReportSignature,
        status=TEXT,
        text=TEXT,
        signer=TEXT,
        fingerprint=TEXT,
        name=TEXT,
        version=TEXT,
        created=TEXT,
        expires=TEXT,
    ),
    max_size=2,
).map(tuple)
OUTCOMES = st.sampled_from(["accepted", "rejected", "undecided", "untrusted", "not examined", "failed"])
REPORTS = st.builds(
    Report,
    locator=TEXT,
    outcome=OUTCOMES,
    exit_code=st.integers(0, 5),
    path=TEXT,
    summary=TEXT,
    policy=TEXT,
    reasons=st.lists(
        st.tuples(st.sampled_from(["dangerous", "untrusted", "undecided"]), TEXT), max_size=2
    ).map(tuple),
    error=TEXT,
    digest=st.just("") | st.from_regex(r"\A[0-9a-f]{64}\Z"),
    size=SIZE,
    parts=st.lists(PARTS, max_size=3).map(tuple),
    findings=st.lists(FINDINGS, max_size=3).map(tuple),
    coverage=st.none() | COVERAGES,
    signatures=SIGNATURES,
    decompiled=TEXT,
    fickling_severity=TEXT,
    fickling_messages=LINES,
    unknown_globals=st.lists(TEXT, max_size=2, unique=True).map(tuple),
    admission=TEXT,
    hint=TEXT,
    confinement=st.none()
    | st.builds(
        ReportConfinement,
        level=TEXT,
        layers=st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=3).map(tuple),
    ),
)
RUNS = st.builds(
    Run,
    locator=TEXT,
    outcome=OUTCOMES,
    exit_code=st.sampled_from([0, 1, 2, 3, 4, 5, 130]),
    tool_version=st.just("0.1.0"),
    summary=TEXT,
    hint=TEXT,
    single=st.booleans(),
    fail_on=st.sampled_from(["unknown", "warning", "note"]),
    reports=st.lists(REPORTS, max_size=3).map(tuple),
    skipped=PAIRS,
    signatures=SIGNATURES,
    coverage=COVERAGES,
    not_reached=st.integers(0, 3),
    unknown_globals=st.lists(TEXT, max_size=2, unique=True).map(tuple),
    allow_command=TEXT,
)


def texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple):
        return [text for item in value for text in texts(item)]
    if dataclasses.is_dataclass(value):
        return [text for field in dataclasses.fields(value) for text in texts(getattr(value, field.name))]
    return []


@given(run=RUNS)
@settings(deadline=None, max_examples=40)
def test_no_text_of_a_run_is_forgotten(run: Run) -> None:
    shown = printed(run, text_chars=50, source_lines=5)
    assert all(text.replace("\n", "").isprintable() for text in texts(shown))
    one_line = dataclasses.replace(
        shown, reports=tuple(dataclasses.replace(report, decompiled="") for report in shown.reports)
    )
    assert all("\n" not in text for text in texts(one_line))
    assert shown.exit_code == run.exit_code


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
