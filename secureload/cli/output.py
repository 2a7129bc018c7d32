"""Where output goes: results on standard output, everything else on standard error."""

from __future__ import annotations

import contextlib
import os
import sys
from enum import StrEnum
from typing import Any

from secureload.errors import SandboxError
from secureload.printable import printable

__all__ = [
    "Format",
    "ReportFormat",
    "emit",
    "emit_json",
    "note",
    "note_failure",
    "silence_standard_output",
    "use_color",
    "width",
]

_MESSAGE_CHARS = 2_000


class Format(StrEnum):
    """How a result is written."""

    TEXT = "text"
    JSON = "json"


class ReportFormat(StrEnum):
    """How the report about files is written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    HTML = "html"


def emit(text: str) -> None:
    """Write a result. A reader that went away (``| head``) is no error, and does not change the exit code.

    Raises :class:`SandboxError` where it cannot be written, such as to a full disk.
    """
    try:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        silence_standard_output()
    except OSError as error:
        _discard_standard_output()
        raise SandboxError(
            f"standard output cannot be written: {error.strerror}",
            hint="write the report to a file: --output FILE",
        ) from None


def emit_json(value: Any) -> None:
    """Write a result as JSON, ASCII only."""
    import json

    emit(json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False))


def note(line: str) -> None:
    """Write one line to standard error."""
    with contextlib.suppress(OSError):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def note_failure(message: str, hint: str) -> None:
    """Write what every exit code but 0 goes with: one line that says why, and one that says what to do."""
    note(f"error: {printable(message, _MESSAGE_CHARS)}")
    if hint:
        note(f"hint: {printable(_as_line(hint), _MESSAGE_CHARS)}")


def _as_line(hint: str) -> str:
    """Return a hint, which may be a sentence, in the form of a line behind ``hint:``."""
    text = hint.removesuffix(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def silence_standard_output() -> bool:
    """Send what is still to come nowhere if nobody reads standard output any more; return whether that is so."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_standard_output()
        return True
    return False


def _discard_standard_output() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def use_color(*, wanted: bool = True) -> bool:
    """Whether standard output is a terminal that shows colours, and nobody asked for none (no-color.org)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return wanted and not plain and sys.stdout.isatty()


def width() -> int:
    """Return the columns of the terminal; 100 where there is none."""
    import shutil

    return shutil.get_terminal_size((100, 24)).columns
