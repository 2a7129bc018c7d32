from __future__ import annotations

from secureload.report.report import (
    Report,
    ReportCoverage,
    ReportFinding,
    ReportPart,
    ReportSignature,
)
from secureload.report.run import Run

COVERAGE = ReportCoverage(members_examined=1, bytes_total=2_048, bytes_examined=2_048)
FINDINGS = (
    ReportFinding(id="SL301", severity="note", title="saved under scikit-learn 1.3.2"),
    ReportFinding(id="SL102", severity="unknown", title="mylib.Model is not on the allow-list", offset=40),
    ReportFinding(
        id="SL101",
        severity="dangerous",
        title="posix.system spawns processes",
        offset=12,
        opcode="REDUCE",
        detail="loading it would run: posix.system('echo hello')",
        hint="do not load it",
        opcodes=("   10: U SHORT_BINSTRING 'echo hello'", "   12: R REDUCE"),
    ),
    ReportFinding(
        id="SL401",
        severity="warning",
        title="12 bytes after the archive",
        member="a.zip",
        confidence="medium",
    ),
)


def accepted() -> Report:
    return Report(
        locator="model.joblib",
        path="model.joblib",
        outcome="accepted",
        exit_code=0,
        summary="as joblib.load reads it",
        policy="examine",
        digest="ab" * 32,
        size=2_048,
        coverage=COVERAGE,
        parts=(
            ReportPart(
                path="",
                format="pickle",
                description="a pickle",
                loader="joblib.load",
                protocol=5,
                imports=2,
                operations=1,
                bytes_total=2_048,
                bytes_examined=2_048,
            ),
        ),
        signatures=(ReportSignature(status="good", text="signed by alice (SHA256:abc)", signer="alice"),),
        admission="admitted by policy 'examine'",
    )


def rejected() -> Report:
    return Report(
        locator="evil.pkl",
        path="downloads/evil.pkl",
        outcome="rejected",
        exit_code=1,
        summary="posix.system spawns processes",
        policy="examine",
        reasons=(("dangerous", "posix.system spawns processes"),),
        digest="cd" * 32,
        size=9_000,
        coverage=ReportCoverage(
            members_examined=1,
            members_skipped=1,
            bytes_total=9_000,
            bytes_examined=8_000,
            bytes_unreadable=1_000,
            skipped=(("weights.bin", "unknown format"),),
        ),
        findings=FINDINGS,
        decompiled="from os import system\n_var0 = system('echo hello')\nresult = _var0\n",
        hint="Ask the sender.",
    )


def archive(members: int) -> Report:
    """A PyTorch model with so many members, in one of them another archive."""
    inner = tuple(
        ReportPart(
            path=f"archive/{number:03}.pkl" if number != 1 else "archive/001.zip!/inside.pkl",
            format="pickle",
            description="a pickle",
            loader="torch.load",
            protocol=2,
            bytes_total=10,
            bytes_examined=10,
            worst="dangerous" if number == members - 1 else "",
        )
        for number in range(members)
    )
    root = ReportPart(path="", format="pytorch", description="a PyTorch model", data_members=7)
    return Report(
        locator="model.pt", outcome="rejected", exit_code=1, parts=(root, *inner), size=99, coverage=COVERAGE
    )


def unreadable() -> Report:
    return Report(
        locator="fifo",
        outcome="undecided",
        exit_code=3,
        summary="it is a named pipe",
        error="artifact.unsupported",
    )


def one(report: Report) -> Run:
    """The run over one file."""
    return Run(
        locator=report.locator,
        outcome=report.outcome,
        exit_code=report.exit_code,
        tool_version="0.1.0",
        summary=report.summary,
        hint=report.hint,
        single=True,
        reports=(report,),
        coverage=report.coverage or ReportCoverage(members_examined=0, bytes_total=0, bytes_examined=0),
    )


def several(*reports: Report, exit_code: int = 1, outcome: str = "rejected", not_reached: int = 0) -> Run:
    """The run over a folder with these files."""
    return Run(
        locator="folder",
        outcome=outcome,
        exit_code=exit_code,
        tool_version="0.1.0",
        summary="what was counted",
        reports=reports,
        skipped=(("README.md", "a text file"),),
        not_reached=not_reached,
        coverage=ReportCoverage(
            members_examined=sum(report.coverage is not None for report in reports),
            bytes_total=9,
            bytes_examined=9,
            skipped=(("README.md", "a text file"),),
        ),
    )


def many(count: int) -> Run:
    """The run over many files, the last of which is rejected."""
    reports = [
        Report(
            locator=f"part-{number:04}.pkl",
            outcome="accepted",
            exit_code=0,
            size=1_000 * number,
            coverage=COVERAGE,
        )
        for number in range(count - 1)
    ]
    last = Report(
        locator=f"part-{count - 1:04}.pkl",
        outcome="rejected",
        exit_code=1,
        size=1_000 * (count - 1),
        coverage=COVERAGE,
        findings=FINDINGS[2:3],
    )
    return several(*reports, last)
