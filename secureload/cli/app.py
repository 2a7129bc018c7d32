"""The commands, by name."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Annotated

import typer

from secureload import __version__
from secureload.cli.output import emit
from secureload.errors import ExitCode

__all__ = ["COMMANDS", "app_for"]

# Every command, in the order of the help, and the module that has it.
COMMANDS = {
    "keygen": "keygen",
    "trust": "trust",
    "sign": "sign",
    "attest": "attest",
    "verify": "verify",
    "show": "show",
    "policy": "policy",
    "check": "check",
    "convert": "convert",
    "compare": "compare",
    "doctor": "doctor",
    "rules": "rules",
    "explain": "rules",
    "key": "key",
    "export": "export",
}

_EPILOG = """\b
Exit codes:
  0  accepted: everything was examined, the policy is satisfied
  1  rejected: it holds something dangerous
  2  usage: what was asked for cannot be done
  3  undecided: unknown, unreadable or not examined
  4  untrusted: nobody whom you trust vouches for it
  5  the environment or secureload itself failed

\b
Examples:
  secureload keygen --name alice
  secureload trust add alice.pub --role signer
  secureload sign model.joblib
  secureload verify model.joblib
  secureload check model.joblib downloads/
"""


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """Return the app for a command line: with the one command that it begins with, or else with all of them.

    The others need not be imported.
    """
    app = typer.Typer(
        help="Sign, check and load serialized models: nothing of a model runs while it is checked.",
        epilog=_EPILOG,
        add_completion=False,
        rich_markup_mode=None,  # rich would double the time that --help takes
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback(invoke_without_command=True)(_secureload)
    named = COMMANDS.get(arguments[0]) if arguments else None
    for module in dict.fromkeys(COMMANDS.values() if named is None else (named,)):
        importlib.import_module(f"secureload.cli.{module}").add_to(app)
    return app


def _secureload(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        emit(f"secureload {__version__}")
        raise typer.Exit(int(ExitCode.ACCEPTED))
    if context.invoked_subcommand is None:
        emit(context.get_help())
        raise typer.Exit(int(ExitCode.USAGE))
