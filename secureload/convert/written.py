"""The target's file: written beside its place, and put there only when everything about it is proved."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from secureload.errors import SandboxError, UsageError
from secureload.printable import printable

__all__ = ["beside", "put_in_place", "refuse_existing", "taken_back"]


def refuse_existing(target: Path, *, force: bool) -> None:
    """Raise :class:`UsageError` where there is something at ``target`` that may not be overwritten."""
    if os.path.lexists(target) and not force:
        raise UsageError(
            f"{printable(target, 400)} exists",
            hint="name another file with --output, or overwrite it with --force",
        )
    if target.is_dir():
        raise UsageError(f"{printable(target, 400)} is a folder", hint="name a file with --output")
    if target.exists() and not target.is_file():
        raise UsageError(
            f"{printable(target, 400)} is no file: it would be replaced by one",
            hint="name a file with --output",
        )
    if not target.parent.is_dir():
        raise UsageError(
            f"there is no folder {printable(target.parent, 400)}",
            hint="make it first, or name another file with --output",
        )


@contextlib.contextmanager
def beside(target: Path, data: memoryview) -> Iterator[Path]:
    """Write ``data`` into a hidden file beside ``target``, of the same suffix; it is gone afterwards, unless moved.

    Raises :class:`SandboxError` where the disk is full, and :class:`UsageError` where the folder cannot be written to.
    """
    fresh = target.with_name(f".secureload-{os.urandom(8).hex()}{''.join(target.suffixes[-2:])}")
    try:
        try:
            fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(fd)
        except OSError as error:
            raise _cannot_write(target, error) from None
        yield fresh
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink()


def put_in_place(fresh: Path, target: Path, *, force: bool) -> None:
    """Give the file its name; without ``force`` nothing that came there in the meantime is overwritten."""
    try:
        if force:
            fresh.replace(target)
        else:
            _link(fresh, target)
    except FileExistsError:
        raise UsageError(
            f"{printable(target, 400)} exists",
            hint="name another file with --output, or overwrite it with --force",
        ) from None
    except OSError as error:
        raise _cannot_write(target, error) from None


@contextlib.contextmanager
def taken_back(was_there: Mapping[Path, bool]) -> Iterator[None]:
    """Remove the files that were not there before, where what comes after writing them fails: half is nothing."""
    try:
        yield
    except BaseException:
        for path, before in was_there.items():
            if not before:
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
        raise


def _link(fresh: Path, target: Path) -> None:
    try:
        os.link(fresh, target)
    except (PermissionError, NotImplementedError):  # a file system without links
        fresh.rename(target)


def _cannot_write(target: Path, error: OSError) -> SandboxError | UsageError:
    message = f"{printable(target, 400)} cannot be written: {printable(error.strerror or error, 120)}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG):
        return SandboxError(
            message, hint="make room on the disk, or name another file with --output; nothing was written"
        )
    return UsageError(message, hint="check the folder's permissions, or name another file with --output")
