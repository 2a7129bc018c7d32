"""The reports about many files as the report of a run: what was found in all of them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from secureload import __version__
from secureload.errors import ExitCode, TrustError
from secureload.report.report import Report, ReportCoverage, ReportSignature
from secureload.report.run import OUTCOMES, Run, counts

__all__ = ["run_of_many", "run_of_one"]

_INTERRUPTED = 130  # what a shell gives a command that Ctrl-C ended
# A command with more names than these is better kept in a file.
_MOST_NAMES = 20


def run_of_one(report: Report, *, fail_on: str = "unknown") -> Run:
    """Return the run over the one file that ``report`` is about."""
    command, hint = _allowing([report], shlex.quote(report.path or "-"))
    return Run(
        locator=report.locator,
        outcome=report.outcome,
        exit_code=report.exit_code,
        tool_version=__version__,
        summary=report.summary,
        hint=hint if hint and report.exit_code == ExitCode.UNDECIDED else report.hint,
        single=True,
        fail_on=fail_on,
        reports=(report,),
        coverage=_coverage([report], ()),
        unknown_globals=report.unknown_globals,
        allow_command=command,
    )


def run_of_many(
    locator: str,
    reports: Sequence[Report],
    skipped: Sequence[tuple[str, str]],
    *,
    signatures: Iterable[ReportSignature] = (),
    trust_error: TrustError | None = None,
    fail_on: str = "unknown",
    not_reached: int = 0,
    paths: Sequence[str] = (),
) -> Run:
    """Return the run over many files. ``skipped`` holds (name, why) of those that need no examination.

    The exit code is the worst of the files'; where nothing at all was examined it is never 0, and where it was
    interrupted it is 130. ``trust_error`` is what is wrong with a signature about all of them; ``paths`` is what
    was asked for, as it would be typed.
    """
    coverage = _coverage(reports, skipped)
    codes = [report.exit_code for report in reports]
    if not coverage.members_examined:
        codes.append(ExitCode.UNDECIDED)
    if trust_error is not None:
        codes.append(trust_error.exit_code)
    code = int(ExitCode.worst(codes)) if not not_reached else _INTERRUPTED
    command, hint = _allowing(reports, shlex.join(paths))
    run = Run(
        locator=locator,
        outcome=OUTCOMES.get(code, "interrupted"),
        exit_code=code,
        tool_version=__version__,
        hint=trust_error.hint if trust_error is not None else hint if code == ExitCode.UNDECIDED else "",
        fail_on=fail_on,
        reports=tuple(reports),
        skipped=tuple(skipped),
        signatures=tuple(signatures),
        coverage=coverage,
        not_reached=not_reached,
        unknown_globals=tuple(dict.fromkeys(name for report in reports for name in report.unknown_globals)),
        allow_command=command,
    )
    return _with_summary(run, trust_error)


def _with_summary(run: Run, trust_error: TrustError | None) -> Run:
    from secureload.values import replace

    found = counts(run)
    always = ("examined", "skipped", "undecided", "rejected")
    others = ("untrusted", "not_examined", "failed", "not_reached")
    shown = [label for label in (*always, *others) if label in always or found[label]]
    summary = ", ".join(f"{found[label]:,} {label.replace('_', ' ')}" for label in shown)
    if trust_error is not None:
        summary = f"{trust_error.message}; {summary}"
    elif not run.coverage.members_examined:
        summary = f"nothing was examined; {summary}"
    return replace(run, summary=summary)


def _allowing(reports: Sequence[Report], paths: str) -> tuple[str, str]:
    """Return the command that allows every unknown global by its name, and the hint that says so.

    Neither where there is none, or where something dangerous was found too.
    """
    names = tuple(dict.fromkeys(name for report in reports for name in report.unknown_globals))
    if not names or any(report.exit_code == ExitCode.REJECTED for report in reports):
        return "", ""
    if len(names) > _MOST_NAMES:
        return "", (
            f"{len(names):,} globals are unknown: put those that you know and trust into a file for --allow-file; "
            "the JSON report lists them"
        )
    flags = " ".join(f"--allow {shlex.quote(name)}" for name in names)
    command = f"secureload check {paths} {flags}"
    every = "it" if len(names) == 1 else f"all {len(names)} of them"
    return command, f"if you know and trust {every}: {command}"


def _coverage(reports: Sequence[Report], skipped: Sequence[tuple[str, str]]) -> ReportCoverage:
    parts = [report.coverage for report in reports if report.coverage is not None]
    unread = [
        (report.locator, report.summary)
        for report in reports
        if report.coverage is None or not report.coverage.members_examined
    ]
    return ReportCoverage(
        members_examined=len(reports) - len(unread),
        members_skipped=len(skipped) + len(unread),
        members_undecided=sum(report.exit_code == ExitCode.UNDECIDED for report in reports),
        bytes_total=sum(part.bytes_total for part in parts),
        bytes_examined=sum(part.bytes_examined for part in parts),
        bytes_unreadable=sum(part.bytes_unreadable for part in parts),
        skipped=(*unread, *skipped),
    )
