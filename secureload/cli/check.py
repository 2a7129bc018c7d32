"""``secureload check``: what a file would do when it is loaded; nothing of it runs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from secureload.cli.check_run import run_check
from secureload.cli.output import ReportFormat
from secureload.cli.policy import PolicyOption
from secureload.cli.trust import StoreOption

__all__ = ["add_to", "check"]

_EPILOG = """\b
Examples:
  secureload check model.pkl
  secureload check downloads/ --format json --output report.json
  secureload check model.joblib --allow mypackage.scaling:RobustScaler
  secureload check models/ --format sarif --output models.sarif
  curl -s https://example.org/model.pkl | secureload check -

\b
The exit code is the worst of the files', whatever the format of the report:
  1  something dangerous, 4  untrusted, 3  undecided, 5  failed, 0  accepted;
  130 after Ctrl-C, with a report of what was done by then.
Dangerous and unknown findings always count. --fail-on warning and --fail-on note make
these leave a file undecided (3) as well. There is no weaker level: what is unknown or
was not examined never ends with 0; what you know can be allowed by its name.

\b
Names to allow come from --allow, from files (--allow-file, SECURELOAD_ALLOW_FILE, an
absolute path) in the layout of the allow-lists, and from nowhere else: no file in the
working directory or beside a model is looked for.
"""


class FailOn(StrEnum):
    """The severity from which on a finding counts."""

    UNKNOWN = "unknown"
    WARNING = "warning"
    NOTE = "note"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(check)


def check(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Files and folders; - is standard input.", readable=False),
    ],
    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow", metavar="NAME", help="A global to allow, by its exact name; may be repeated."
        ),
    ] = None,
    allow_file: Annotated[
        list[Path] | None,
        typer.Option(
            "--allow-file", metavar="FILE", help="A file of names to allow; may be repeated.", readable=False
        ),
    ] = None,
    trust_store: StoreOption = None,
    require_signature: Annotated[
        bool, typer.Option("--require-signature", help="Accept only what a trusted signer vouches for.")
    ] = False,
    policy: PolicyOption = None,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="The least severity that counts; see below.")
    ] = FailOn.UNKNOWN,
    output_format: Annotated[
        ReportFormat, typer.Option("--format", help="How to write the report.")
    ] = ReportFormat.TEXT,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write the report to this file.", readable=False),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print no report; the exit code says it.")
    ] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Show the decompiled source of accepted files too, fickling's view, and the opcodes of findings.",
        ),
    ] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="N", min=1, help="Files at a time; by default one a core.")
    ] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours, even on a terminal.")] = False,
) -> int:
    """Say what files would do when they are loaded, without loading them, and whether you can accept that."""
    return run_check(
        paths,
        allow=allow or [],
        allow_file=allow_file or [],
        trust_store=trust_store,
        require_signature=require_signature,
        policy=policy,
        fail_on=fail_on.value,
        output_format=output_format,
        output=output,
        quiet=quiet,
        explain=explain,
        jobs=jobs,
        no_color=no_color,
    )
