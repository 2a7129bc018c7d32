"""What ``secureload check`` does with the values of its command line, whoever has parsed that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from secureload.cli.begun import begun
from secureload.cli.checking import CheckOptions, check_many, check_single, is_folder
from secureload.cli.loop import cores
from secureload.cli.output import ReportFormat, emit, note, note_failure, use_color
from secureload.cli.rendering import rendered
from secureload.errors import UsageError
from secureload.limits import DEFAULT_LIMITS
from secureload.printable import printable

if TYPE_CHECKING:
    from secureload.policy.verdict import Policy
    from secureload.report.run import Run
    from secureload.signing.truststore import TrustStore

__all__ = ["run_check"]

_STANDARD_INPUT = Path("-")
_INTERRUPTED = 130


def run_check(
    paths: Sequence[Path],
    *,
    allow: Sequence[str] = (),
    allow_file: Sequence[Path] = (),
    trust_store: Path | None = None,
    require_signature: bool = False,
    policy: str | None = None,
    fail_on: str = "unknown",
    output_format: ReportFormat = ReportFormat.TEXT,
    output: Path | None = None,
    quiet: bool = False,
    explain: bool = False,
    jobs: int | None = None,
    no_color: bool = False,
) -> int:
    """Check the paths, write the report, and return the exit code; see ``secureload check --help``."""
    if output is not None:
        from secureload.cli.report_file import require_writable

        require_writable(output, paths)
    ahead = begun(paths[0], DEFAULT_LIMITS) if len(paths) == 1 and paths[0] != _STANDARD_INPUT else None
    from secureload.cli.allowing import allowed_by

    try:
        options = CheckOptions(
            allow=allowed_by(allow, allow_file, DEFAULT_LIMITS),
            trust_store=_trusted(trust_store),
            require_signature=require_signature,
            policy=_policy(policy, require_signature=require_signature, fail_on=fail_on),
            fail_on=fail_on,
            explain=explain,
            begun=ahead,
            brief=output_format is not ReportFormat.JSON,
            jobs=jobs if jobs is not None else cores(),
        )
        if ahead is not None:
            from secureload.cli.meanwhile import read_meanwhile

            read_meanwhile(ahead.head, text=output_format is ReportFormat.TEXT)
        run = _checked(paths, options)
    except KeyboardInterrupt:
        note(f"interrupted: {printable(', '.join(map(str, paths)))}: nothing is decided")
        return _INTERRUPTED
    finally:
        if ahead is not None:
            ahead.close()
    color = use_color(wanted=not no_color) and output is None
    text = rendered(run, output_format, color=color, to_file=output is not None)
    if output is not None:
        from secureload.cli.report_file import write_report

        write_report(output, text)
    elif not quiet:
        emit(text)
    if run.exit_code:
        note_failure(_complaint(run), run.hint or "the report says more of each file")
    return run.exit_code


def _complaint(run: Run) -> str:
    if run.single and run.reports and run.reports[0].error:
        return run.summary  # which names the file
    return f"{run.locator}: {run.outcome}: {run.summary}"


def _trusted(store: Path | None) -> TrustStore | None:
    if store is None:
        return None
    from secureload.trust.store import load_trust_store

    return load_trust_store(store)


def _policy(policy: str | None, *, require_signature: bool, fail_on: str) -> Policy | None:
    if policy is None:
        return None
    if require_signature or fail_on != "unknown":
        raise UsageError(
            "--policy says all of it: it excludes --require-signature and --fail-on",
            hint="write it into the policy: 'secureload policy show strict' prints one to begin with",
        )
    from secureload.api.policies import resolve_policy

    return resolve_policy(policy)


def _checked(paths: Sequence[Path], options: CheckOptions) -> Run:
    if _STANDARD_INPUT in paths:
        from secureload.cli.standard_input import standard_input

        if len(paths) > 1:
            raise UsageError("standard input is checked alone", hint="leave the other paths out")
        with standard_input(options.limits) as copy:
            return check_single(copy, options, locator="standard input")
    if len(paths) > 1 or is_folder(paths[0]):
        return check_many(paths, options)
    return check_single(paths[0], options)
