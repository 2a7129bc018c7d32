"""Reading and writing key files: regular files only, bounded, never through a link, never half written."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from secureload.errors import SecureloadError, UsageError
from secureload.printable import printable

__all__ = ["check_folder", "create_file", "locked_folder", "make_folder", "read_file", "replace_file"]

_LOCK_WAIT_SECONDS = 10.0
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def read_file(path: Path, most_bytes: int, *, is_secret: bool = False) -> bytes:
    """Return the contents of a regular file of at most ``most_bytes``.

    A secret must belong to the current user and be closed to everybody else; anything else must not be
    writable by everybody. Raises :class:`UsageError` otherwise, and for whatever cannot be opened; symbolic
    links are not followed, and FIFOs and devices never block.
    """
    with _explained(path, "read"):
        descriptor = os.open(path, _READ_FLAGS)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise UsageError(f"{_shown(path)} is not a regular file", hint="Pass the path of a key file.")
            if is_secret:
                _check_secrecy(path, status)
            else:
                _check_shared(path, status)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                data = file.read(most_bytes + 1)
        finally:
            os.close(descriptor)
    if len(data) > most_bytes:
        raise UsageError(
            f"{_shown(path)} is larger than {most_bytes:,} bytes", hint="Is this the right file?"
        )
    return data


def create_file(path: Path, data: bytes, mode: int) -> None:
    """Write a new file with exactly this mode, and on the disk when this returns; never overwrites one."""
    with _explained(path, "write"):
        _write(path, data, mode)
        _sync_folder(path.parent)


def replace_file(path: Path, data: bytes, mode: int) -> None:
    """Replace a file in one step: readers see the old contents or the new, never a part.

    Raises :class:`UsageError` for what cannot be written, and for a device or another special file in its place.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    with _explained(path, "write"):
        if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
            raise UsageError(f"{_shown(path)} is not a regular file", hint="Name a file of its own.")
        _write(temporary, data, mode)
        try:
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


def check_folder(path: Path) -> None:
    """Raise :class:`UsageError` for a folder that everybody may write to, or put another in the place of.

    Whoever may write to a folder above it may rename it, unless that folder has the sticky bit, as ``/tmp`` has.
    """
    with _explained(path, "look at"):
        _check_shared(path, path.stat())
        for above in path.resolve().parents:
            mode = above.stat().st_mode
            if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
                raise UsageError(
                    f"everybody may write to {_shown(above)}, and so put another in the place of {_shown(path)}",
                    hint=f"Run: chmod o-w {_shown(above)}, and look what is in it.",
                )


def make_folder(path: Path) -> None:
    """Make a folder that only the current user can enter, and those above it, where they are missing."""
    with _explained(path, "make"):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextlib.contextmanager
def locked_folder(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a folder, so that two writers do not lose each other's change.

    Waits at most ten seconds. Raises :class:`UsageError` for a folder that everybody may write to.
    """
    with _explained(path, "open"):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _check_shared(path, os.fstat(descriptor))
        _lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    give_up = time.monotonic() + _LOCK_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up:
                raise UsageError(
                    f"{_shown(path)} is being changed by another program", hint="Try again when it is done."
                ) from None
            time.sleep(0.02)
        except OSError as error:
            raise UsageError(f"{_shown(path)} cannot be locked: {error.strerror}") from None
        else:
            return


def _check_secrecy(path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise UsageError(
            f"the private key {_shown(path)} belongs to another user",
            hint="Use a key of your own, or change its owner.",
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise UsageError(
            f"the private key {_shown(path)} is open to other users (mode {mode:04o})",
            hint=f"Run: chmod 600 {_shown(path)}; if others could read it, make a new key.",
        )


def _check_shared(path: Path, status: os.stat_result) -> None:
    if status.st_mode & stat.S_IWOTH:
        raise UsageError(
            f"everybody may write to {_shown(path)}, so nothing in it can be trusted",
            hint=f"Run: chmod o-w {_shown(path)}, and look what is in it.",
        )


def _write(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, _CREATE_FLAGS, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _explained(path: Path, verb: str) -> Iterator[None]:
    """Turn what the operating system says into a :class:`UsageError` of one line."""
    try:
        yield
    except SecureloadError:
        raise
    except OSError as error:
        raise UsageError(_explain(path, verb, error), hint=_hint(error)) from None
    except ValueError:
        raise UsageError(f"{_shown(path)} is not a path", hint="It holds a NUL character.") from None


def _explain(path: Path, verb: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return (
            f"there is no folder {_shown(path.parent)}" if verb == "write" else f"there is no {_shown(path)}"
        )
    if isinstance(error, FileExistsError):
        return f"{_shown(path)} exists already, and keys are never overwritten"
    if error.errno == errno.ELOOP:
        return f"{_shown(path)} is a symbolic link, which is not followed for keys"
    return f"cannot {verb} {_shown(path)}: {error.strerror}"


def _hint(error: OSError) -> str:
    if isinstance(error, FileExistsError):
        return "Choose another name, or move the old file away yourself."
    if error.errno == errno.ELOOP:
        return "Pass the path of the file that the link points to."
    return "Check the path and its permissions."


def _shown(path: Path) -> str:
    return printable(path, 160)
