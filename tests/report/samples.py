from __future__ import annotations

from secureload.report.report import (
    Report,
    ReportCoverage,
    ReportFinding,
    ReportMember,
    ReportSection,
)

COVERAGE = ReportCoverage(members_examined=1, bytes_total=2_048, bytes_examined=2_048)


def accepted() -> Report:
    return Report(
        title="Check",
        locator="model.joblib",
        outcome="ACCEPTED",
        exit_code=0,
        digest="ab" * 32,
        coverage=COVERAGE,
        sections=(
            ReportSection("Artifact", rows=(("format", "pickle, protocol 5"), ("size", "2,048 bytes"))),
        ),
        signatures=("good: alice (SHA256:abc)",),
        admission="admitted by policy default",
    )


def rejected() -> Report:
    return Report(
        title="Check",
        locator="evil.pkl",
        outcome="REJECTED",
        exit_code=1,
        summary="it would call os.system",
        coverage=ReportCoverage(
            members_examined=1,
            members_skipped=1,
            bytes_total=9_000,
            bytes_examined=8_000,
            bytes_unreadable=1_000,
            skipped=(("weights.bin", "unknown format"),),
        ),
        findings=(
            ReportFinding("old-version", "note", "saved under scikit-learn 1.3.2"),
            ReportFinding("unknown-global", "unknown", "mylib:Model", location="offset 40"),
            ReportFinding(
                "dangerous-call",
                "dangerous",
                "calls os:system",
                "offset 12",
                "with 'echo hello'",
                "Do not load it.",
            ),
            ReportFinding("trailing", "warning", "12 bytes after the pickle"),
        ),
        decompiled="from os import system\n_var0 = system('echo hello')\nresult = _var0\n",
        hint="Ask the sender.",
    )


def many(count: int) -> Report:
    members = tuple(
        ReportMember(
            name=f"part-{number:04}.pkl",
            outcome="REJECTED" if number == count - 1 else "ACCEPTED",
            exit_code=1 if number == count - 1 else 0,
            size=1_000 * number,
            findings=int(number == count - 1),
        )
        for number in range(count)
    )
    return Report(
        title="Check",
        locator="folder",
        outcome="REJECTED",
        exit_code=1,
        members=members,
        coverage=ReportCoverage(members_examined=count, bytes_total=9, bytes_examined=9),
    )
