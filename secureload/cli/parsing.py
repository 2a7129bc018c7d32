"""The command line, parsed: the one command that it names is imported, and run."""

from __future__ import annotations

from typing import Any

import typer

from secureload.cli.app import app_for
from secureload.cli.coercion import coerce_plainly
from secureload.cli.output import note_failure
from secureload.errors import ExitCode, UsageError

__all__ = ["run"]

_INTERRUPTED = 130
# Every usage error of the parser derives from it; it is not exported under a name that stayed the same.
_ParserError: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


def run(words: list[str]) -> int:
    """Run the command that ``words`` name and return its exit code; what they get wrong is exit code 2."""
    if "" in words:
        raise UsageError("an argument is empty", hint="an unset variable between quotes gives one")
    # Not command.main(): that would answer a broken pipe anywhere, a worker's too, with exit code 1.
    command = typer.main.get_command(app_for(words))
    coerce_plainly(command)
    try:
        with command.make_context("secureload", words) as context:
            result = command.invoke(context)
    except typer.Exit as finished:
        return int(finished.exit_code)
    except typer.Abort:
        return _INTERRUPTED
    except _ParserError as error:
        note_failure(error.format_message(), _hint(error))
        return int(ExitCode.USAGE)
    return int(result) if isinstance(result, int) else 0


def _hint(error: Any) -> str:
    context = getattr(error, "ctx", None)
    return f"run: {context.command_path if context is not None else 'secureload'} --help"
