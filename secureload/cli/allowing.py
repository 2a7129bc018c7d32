"""``--allow`` and ``--allow-file``: what the user adds to the allow-list, by exact names.

A file of names comes from a flag or from ``SECURELOAD_ALLOW_FILE``; never from the working directory, and never
from beside a model: whoever sends a model must not be able to send along what is allowed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from secureload.errors import SecureloadError, UsageError
from secureload.limits import Limits
from secureload.printable import printable

if TYPE_CHECKING:
    from secureload.scan.allowlist import AllowList

__all__ = ["ALLOW_FILE_VARIABLE", "allowed_by"]

ALLOW_FILE_VARIABLE = "SECURELOAD_ALLOW_FILE"


def allowed_by(
    names: Sequence[str], files: Sequence[Path], limits: Limits, environment: Mapping[str, str] = os.environ
) -> AllowList:
    """Return the default allow-list with what the user adds to it; entries that exist stay as they are.

    The file that the environment variable names is read too. Raises :class:`UsageError` for a name or a file
    that cannot be taken.
    """
    from secureload.api.check import allow_list
    from secureload.scan.allowlist import load_allow_file

    found = allow_list(names)
    for path in (*files, *_configured(environment)):
        try:
            found = found.joined_with(load_allow_file(_text(path, limits.allow_file_bytes)))
        except UsageError as error:
            raise UsageError(f"{printable(path, 160)}: {error.message}", hint=error.hint) from error
    return found


def _configured(environment: Mapping[str, str]) -> tuple[Path, ...]:
    configured = environment.get(ALLOW_FILE_VARIABLE)
    if configured is None:
        return ()
    if not configured.startswith("/"):
        # A relative one would be looked for in whatever folder the command is run in.
        raise UsageError(
            f"{ALLOW_FILE_VARIABLE} is {printable(configured, 80)!r}, which is not an absolute path",
            hint="set it to a path that begins with '/', or unset it",
        )
    return (Path(configured),)


def _text(path: Path, most: int) -> str:
    from secureload.artifact.opening import open_regular, text_path

    try:
        # The user's own file may well be a link.
        descriptor, status = open_regular(text_path(path.resolve()), shown="the allow-list")
    except SecureloadError as error:
        raise UsageError(error.message, hint=error.hint or "name a file of allowed names") from error
    except (OSError, ValueError, RuntimeError):
        raise UsageError("it is no path that leads to a file", hint="name a file of allowed names") from None
    try:
        if status.st_size > most:
            raise UsageError(f"it is longer than {most:,} bytes", hint="name a file of allowed names")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(most).decode("utf-8")
    except OSError as error:
        raise UsageError(f"it cannot be read: {error.strerror}", hint="name another file") from None
    except UnicodeDecodeError as error:
        raise UsageError("it is not text in UTF-8", hint="name a file of allowed names") from error
    finally:
        os.close(descriptor)
