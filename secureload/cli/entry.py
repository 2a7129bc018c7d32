"""``main()``: run a command, and turn whatever happens into an exit code and at most two lines.

Every :class:`SecureloadError` ends as ``error: …`` and ``hint: …`` on standard error and its own exit code. An
exception that nobody thought of is exit code 5, never 1, which would say that a file was rejected.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import typer

from secureload.cli.app import app_for
from secureload.cli.coercion import coerce_plainly
from secureload.cli.output import note_failure, silence_standard_output
from secureload.errors import ExitCode, SecureloadError, UsageError

__all__ = ["main"]

_INTERRUPTED = 130
# Every usage error of the parser derives from it; it is not exported under a name that stayed the same.
_ParserError: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; ``arguments`` are those of the process by default."""
    _open_standard_streams()
    _show_every_character()
    try:
        return _run(sys.argv[1:] if arguments is None else list(arguments))
    except SecureloadError as error:
        return _failed(error.message, error.hint, error.exit_code)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except typer.Abort:
        return _INTERRUPTED
    except BrokenPipeError as error:
        if silence_standard_output():
            return int(ExitCode.ENVIRONMENT)
        return _internal(error)
    except Exception as error:  # the contract: an uncaught exception is never exit code 1
        return _internal(error)


def _run(arguments: list[str]) -> int:
    if "" in arguments:
        raise UsageError("an argument is empty", hint="an unset variable between quotes gives one")
    # Not command.main(): that would answer a broken pipe anywhere, a worker's too, with exit code 1.
    command = typer.main.get_command(app_for(arguments))
    coerce_plainly(command)
    try:
        with command.make_context("secureload", arguments) as context:
            result = command.invoke(context)
    except typer.Exit as finished:
        return int(finished.exit_code)
    except _ParserError as error:
        return _failed(error.format_message(), _usage_hint(error), ExitCode.USAGE)
    return int(result) if isinstance(result, int) else 0


def _usage_hint(error: Any) -> str:
    context = getattr(error, "ctx", None)
    return f"run: {context.command_path if context is not None else 'secureload'} --help"


def _failed(message: str, hint: str, code: ExitCode) -> int:
    note_failure(message, hint)
    return int(code)


def _internal(error: BaseException) -> int:
    if os.environ.get("SECURELOAD_DEBUG") == "1":
        traceback.print_exception(error)
    return _failed(
        f"internal: {type(error).__name__}: {error}",
        "please report this; SECURELOAD_DEBUG=1 shows where it happened",
        ExitCode.ENVIRONMENT,
    )


def _open_standard_streams() -> None:
    """Put something in the place of standard streams that were closed (``>&-``).

    The first file that is opened would take their place, and get what is written to them.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free one is this


def _show_every_character() -> None:
    """Let a terminal without Unicode show escapes, where it would otherwise end the report."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
