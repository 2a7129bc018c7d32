"""``secureload check``: what a file would do when it is loaded; nothing of it runs."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secureload.cli.checking import CheckOptions, check_many, check_one, is_folder
from secureload.cli.output import Format, emit, note_failure, use_color, width
from secureload.cli.report_file import require_writable, write_report
from secureload.cli.trust import StoreOption
from secureload.errors import ArtifactError, LimitError, SandboxError, UsageError
from secureload.limits import Limits

if TYPE_CHECKING:
    from secureload.report.report import Report

__all__ = ["add_to", "check"]

_CHUNK_BYTES = 1 << 20
_STANDARD_INPUT = Path("-")
_EPILOG = """\b
Examples:
  secureload check model.pkl
  secureload check downloads/ --format json --output report.json
  secureload check model.joblib --allow mypackage.scaling:RobustScaler
  curl -s https://example.org/model.pkl | secureload check -

Nothing found means: in what was examined. The exit code is the worst of the files'.
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(check)


def check(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH…", help="Files and folders; - is standard input.", readable=False),
    ],
    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow", metavar="NAME", help="A global to allow, by its exact name; may be repeated."
        ),
    ] = None,
    trust_store: StoreOption = None,
    require_signature: Annotated[
        bool, typer.Option("--require-signature", help="Accept only what a trusted signer vouches for.")
    ] = False,
    output_format: Annotated[Format, typer.Option("--format", help="How to write the report.")] = Format.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the report to this file.", readable=False)
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print no report; the exit code says it.")
    ] = False,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Show decompiled source and fickling's view of accepted files too."),
    ] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours, even on a terminal.")] = False,
) -> int:
    """Say what files would do when they are loaded, without loading them, and whether you can accept that."""
    if output is not None:
        require_writable(output, paths)
    options = _options(allow or [], trust_store, require_signature, explain)
    summary, reports = _checked(paths, options)
    if output_format is Format.JSON:
        text = _json(summary, reports)
    else:
        text = _text(summary, reports, color=use_color(wanted=not no_color) and output is None)
    if output is not None:
        write_report(output, text)
    elif not quiet:
        emit(text)
    if summary.exit_code:
        note_failure(
            f"{summary.locator}: {summary.outcome}: {summary.summary}",
            summary.hint or "the report says more of each file",
        )
    return summary.exit_code


def _options(allow: list[str], store: Path | None, required: bool, explain: bool) -> CheckOptions:
    from secureload.sandbox.tracing import prepare_tracer

    prepare_tracer()  # it starts on the other core while this process imports the rest
    from secureload.api.check import allow_list
    from secureload.trust.store import load_trust_store

    return CheckOptions(
        allow=allow_list(allow),
        trust_store=None if store is None else load_trust_store(store),
        require_signature=required,
        explain=explain,
    )


def _checked(paths: list[Path], options: CheckOptions) -> tuple[Report, tuple[Report, ...]]:
    """Return the report to end with, and those of the single files if there may be many."""
    from secureload.api.reporting import report_of_check

    if _STANDARD_INPUT in paths:
        if len(paths) > 1:
            raise UsageError("standard input is checked alone", hint="leave the other paths out")
        with _standard_input(options.limits) as copy:
            checked = check_one(copy, options)
            return report_of_check(checked, explain=options.explain, locator="standard input"), ()
    if len(paths) > 1 or is_folder(paths[0]):
        return check_many(paths, options)
    return report_of_check(check_one(paths[0], options), explain=options.explain), ()


def _text(summary: Report, reports: tuple[Report, ...], *, color: bool) -> str:
    from secureload.report.terminal import render_text

    columns = width()
    # The hint of the last one stands on standard error, where it is also without the report.
    last = replace(summary, hint="")
    told = [render_text(report, color=color, width=columns) for report in reports if report.exit_code]
    return "\n".join([*told, render_text(last, color=color, width=columns)])


def _json(summary: Report, reports: tuple[Report, ...]) -> str:
    from secureload.report.as_json import render_json, report_fields

    if not reports:
        return render_json(summary)
    whole = {**report_fields(summary), "reports": [report_fields(report) for report in reports]}
    return json.dumps(whole, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


@contextlib.contextmanager
def _standard_input(limits: Limits) -> Iterator[Path]:
    """Give a private copy of standard input, which is gone afterwards."""
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="secureload-"))
            path = Path(folder, "standard-input")
            with path.open("xb") as copy:
                _copy(sys.stdin.fileno(), copy.fileno(), limits.artifact_bytes)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is closed"
            raise ArtifactError(
                f"standard input cannot be read: {reason}", hint="pipe the file into it, or name a file"
            ) from None
        yield path


def _copy(source: int, target: int, most: int) -> None:
    seen = 0
    while piece := os.read(source, _CHUNK_BYTES):
        seen += len(piece)
        if seen > most:
            raise LimitError(
                f"standard input is longer than {most:,} bytes",
                limit="artifact_bytes",
                allowed=most,
                seen=seen,
            )
        while piece:
            written = os.write(target, piece)
            if not written:
                raise SandboxError("the copy of standard input cannot be written")
            piece = piece[written:]
