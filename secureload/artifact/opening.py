"""Open files and folders that somebody else named: no link followed, no special file waited for.

Every error has the field ``reason``: missing, bad-path, too-long, symlink, special, folder, file, unreadable,
changed, io or resources.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

from secureload.errors import ArtifactError, SandboxError, SecureloadError, UnsupportedError, UsageError
from secureload.printable import printable

__all__ = ["name_of", "open_folder", "open_regular", "os_failure", "text_path"]

_COMMON: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
# Linux: reading leaves the access time alone; only the file's owner may ask for it.
_NO_ACCESS_TIME: Final = getattr(os, "O_NOATIME", 0)
_KINDS: Final = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)
_OUT_OF_RESOURCES: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS))


def text_path(locator: str | os.PathLike[str]) -> str:
    """Return ``locator`` as text without trailing slashes; raise :class:`UsageError` where it is no path."""
    try:
        path = os.fspath(locator)
    except TypeError:
        path = None
    if not isinstance(path, str):
        raise UsageError(
            f"a path is a str or an os.PathLike[str], not {printable(type(locator).__name__, 60)}",
            reason="bad-path",
        )
    if not path:
        raise _bad_path("the path is empty", path)
    if "\0" in path:
        raise _bad_path(f"the path {printable(path)!r} holds a NUL character", path)
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise _bad_path(f"the path {printable(path)!r} cannot be a file name here", path) from None
    return path.rstrip("/") or "/"


def name_of(path: str) -> str:
    """Return the last part of ``path``; for "." and "..", of the folder that they stand for."""
    name = Path(path).name
    if name not in ("", ".."):
        return name
    try:
        return Path(path).resolve().name
    except OSError as error:
        raise os_failure(error, printable(path)) from None


def open_regular(path: str, *, shown: str, dir_fd: int | None = None) -> tuple[int, os.stat_result]:
    """Return a descriptor of the regular file at ``path`` and its stat; the caller closes it.

    ``shown`` is how messages name it. Raises :class:`UsageError` (missing, folder, bad-path),
    :class:`UnsupportedError` (symlink, special) and :class:`ArtifactError` (unreadable, io).
    """
    # The look before the open keeps us from opening devices, which can act on it; the look after it counts.
    _refuse_others(_lstat(path, shown, dir_fd), path, shown, dir_fd)
    fd = _open(path, _COMMON | os.O_NONBLOCK | os.O_NOCTTY, shown, dir_fd)
    try:
        found = os.fstat(fd)
        _refuse_others(found, path, shown, dir_fd)
    except BaseException:
        os.close(fd)
        raise
    return fd, found


def open_folder(path: str, *, shown: str, dir_fd: int | None = None) -> int:
    """Return a descriptor of the folder at ``path``; the caller closes it. Raises as :func:`open_regular`."""
    found = _lstat(path, shown, dir_fd)
    if stat.S_ISLNK(found.st_mode):
        raise _symlink(path, shown, dir_fd)
    if not stat.S_ISDIR(found.st_mode):
        raise UsageError(
            f"{shown} is not a folder", hint="Give the path of a folder.", reason="file", path=shown
        )
    return _open(path, _COMMON | os.O_DIRECTORY, shown, dir_fd)


def os_failure(error: OSError, shown: str) -> SecureloadError:
    """Return the :class:`SecureloadError` that says what ``error`` means for the file called ``shown``."""
    code = error.errno
    cause = printable(error.strerror or error, 120)
    if code == errno.ENOENT:
        return UsageError(
            f"there is no file or folder {shown}", hint="Check the path.", reason="missing", path=shown
        )
    if code == errno.ENOTDIR:
        return UsageError(
            f"there is no {shown}: a part of its path is a file",
            hint="Check the path.",
            reason="missing",
            path=shown,
        )
    if code == errno.ENAMETOOLONG:
        return UsageError(
            f"the path {shown} is too long", hint="Check the path.", reason="too-long", path=shown
        )
    if code in (errno.EACCES, errno.EPERM):
        return ArtifactError(
            f"{shown} cannot be read: {cause}",
            hint="Ask for read permission, or run as a user who has it.",
            reason="unreadable",
            path=shown,
        )
    if code in (errno.ENXIO, errno.ENODEV):
        return UnsupportedError(
            f"{shown} is a special file", hint="Only regular files are read.", reason="special", path=shown
        )
    if code == errno.ELOOP:
        return UnsupportedError(
            f"{shown} is a symbolic link, or its path loops through links",
            hint="Give the path of the file itself.",
            reason="symlink",
            path=shown,
        )
    if code in _OUT_OF_RESOURCES:
        return SandboxError(
            f"the system has no room to open {shown}: {cause}", hint="Try again later.", reason="resources"
        )
    return ArtifactError(
        f"reading {shown} failed: {cause}",
        hint="Check the disk or the network mount that it is on.",
        reason="io",
        path=shown,
    )


def _lstat(path: str, shown: str, dir_fd: int | None) -> os.stat_result:
    try:
        return os.lstat(path, dir_fd=dir_fd)
    except OSError as error:
        raise os_failure(error, shown) from None


def _open(path: str, flags: int, shown: str, dir_fd: int | None) -> int:
    try:
        try:
            return os.open(path, flags | _NO_ACCESS_TIME, dir_fd=dir_fd)
        except PermissionError:
            return os.open(path, flags, dir_fd=dir_fd)
    except OSError as error:
        raise os_failure(error, shown) from None


def _refuse_others(found: os.stat_result, path: str, shown: str, dir_fd: int | None) -> None:
    """Raise unless ``found`` is a regular file."""
    mode = found.st_mode
    if stat.S_ISREG(mode):
        return
    if stat.S_ISLNK(mode):
        raise _symlink(path, shown, dir_fd)
    if stat.S_ISDIR(mode):
        raise UsageError(
            f"{shown} is a folder, and a file is needed here",
            hint="Give the path of the file in it.",
            reason="folder",
            path=shown,
        )
    kind = next((word for test, word in _KINDS if test(mode)), "a special file")
    raise UnsupportedError(
        f"{shown} is {kind}, not a file with bytes of its own",
        hint="Save what it gives to a regular file, and give the path of that.",
        reason="special",
        path=shown,
    )


def _symlink(path: str, shown: str, dir_fd: int | None) -> UnsupportedError:
    try:
        target = os.readlink(path, dir_fd=dir_fd) if dir_fd is not None else os.path.realpath(path)
    except (OSError, ValueError):
        target = ""
    hint = "Give the path of the file itself" + (f": {printable(target)}" if target else ".")
    return UnsupportedError(
        f"{shown} is a symbolic link; links are not followed",
        hint=hint if dir_fd is None else f"Put the file itself there; the link leads to {printable(target)}",
        reason="symlink",
        path=shown,
        target=printable(target),
    )


def _bad_path(message: str, path: str) -> UsageError:
    return UsageError(
        message, hint="Give the path of a file or a folder.", reason="bad-path", path=printable(path)
    )
