"""``--output``: the report as a file, which never takes the place of what is examined."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from secureload.errors import UsageError
from secureload.printable import printable

__all__ = ["require_writable", "write_report"]


def require_writable(output: Path, inputs: Sequence[Path]) -> None:
    """Raise :class:`UsageError` where ``output`` is one of ``inputs``, or no regular file, or has no folder."""
    shown = printable(output, 160)
    try:
        if not output.parent.is_dir():
            raise UsageError(f"there is no folder {printable(output.parent, 160)}", hint="make it first")
        if not os.path.lexists(output):
            return
        if output.is_symlink() or not output.is_file():
            raise UsageError(f"{shown} is not a regular file", hint="name a file of its own for the report")
        taken = any(path.exists() and path.samefile(output) for path in inputs)
        # Below a folder it would be examined, or be a model that the report replaces.
        taken = taken or (
            any(path.is_dir() and _is_below(output, path) for path in inputs) and not _is_report(output)
        )
    except (OSError, ValueError):
        raise UsageError(f"{shown} cannot be written to", hint="name another file") from None
    if taken:
        raise UsageError(f"{shown} is among the files that are checked", hint="name another file")


def write_report(output: Path, text: str) -> None:
    """Write the report in one step. Raises :class:`UsageError` where that cannot be."""
    temporary = output.with_name(f".{output.name}.{os.urandom(8).hex()}")
    try:
        try:
            with temporary.open("x", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
            temporary.replace(output)
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no path"
        raise UsageError(
            f"{printable(output, 160)} cannot be written: {why}", hint="name another file"
        ) from None


def _is_below(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _is_report(path: Path) -> bool:
    return path.suffix.lower() in {".txt", ".json", ".sarif", ".html"}
