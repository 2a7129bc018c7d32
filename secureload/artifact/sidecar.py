"""The signature file beside an artifact: found, read under the artifact's own rules, written whole."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from secureload.artifact.folder import FOLDER_SIDECAR
from secureload.artifact.opening import open_regular, text_path
from secureload.errors import ArtifactError, SandboxError, SignatureFormatError, UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable

__all__ = ["append_sidecar", "read_sidecar", "sidecar_path", "update_sidecar", "write_sidecar"]

_CHUNK_BYTES = 1 << 20
# Anyone may read a signature; the umask takes away what the user does not want to give.
_MODE = 0o644
_LOCK_TRIES = 100
_LOCK_PAUSE_SECONDS = 0.05


def sidecar_path(locator: str | os.PathLike[str]) -> Path:
    """Return where the signatures of the artifact at ``locator`` are kept.

    That is ``NAME.sig`` beside a file and ``model.sig`` in a folder. Raises :class:`UsageError` for what is
    no path at all; a missing file is taken for a file.
    """
    path = Path(text_path(locator))
    try:
        is_folder = stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        is_folder = False
    return path / FOLDER_SIDECAR if is_folder else Path(f"{path}.sig")


def read_sidecar(path: str | os.PathLike[str], limits: Limits = DEFAULT_LIMITS) -> bytes | None:
    """Return the bytes of the signature file at ``path`` (:func:`sidecar_path`), None where there is none.

    Raises :class:`SignatureFormatError` for a link, a special file or a folder in its place, for one that
    cannot be read, and for one of more than ``limits.sidecar_bytes``.
    """
    name = text_path(path)
    shown = printable(name)
    try:
        fd, found = open_regular(name, shown=shown)
    except (UsageError, ArtifactError) as error:
        if error.fields.get("reason") in ("missing", "too-long"):
            return None
        raise _refused(error.message, error.hint) from None
    try:
        return _read_bounded(fd, found.st_size, shown, limits.sidecar_bytes)
    finally:
        os.close(fd)


def write_sidecar(path: str | os.PathLike[str], data: bytes) -> None:
    """Write ``data`` as the signature file at ``path``, in the place of any other, whole or not at all.

    Its mode is 0644 less the umask. Raises :class:`UsageError` where the folder cannot be written to.
    """
    target = Path(text_path(path))
    with _locked(target.parent):
        _replace(target, data)


def update_sidecar(
    path: str | os.PathLike[str], change: Callable[[bytes | None], bytes], limits: Limits = DEFAULT_LIMITS
) -> None:
    """Write what ``change`` makes of the signature file at ``path`` (None where there is none).

    Nobody else who uses these functions writes in between. Raises as :func:`read_sidecar` and
    :func:`write_sidecar`, :class:`SignatureFormatError` where the file would get too large, and what
    ``change`` raises; the file is then as it was.
    """
    target = Path(text_path(path))
    with _locked(target.parent):
        data = change(read_sidecar(target, limits))
        if len(data) > limits.sidecar_bytes:
            raise _too_large(printable(target), limits.sidecar_bytes)
        _replace(target, data)


def append_sidecar(path: str | os.PathLike[str], bundles: bytes, limits: Limits = DEFAULT_LIMITS) -> None:
    """Add ``bundles``, JSON Lines, behind those that the signature file at ``path`` has, or begin it.

    Two signers who do so at once both get their lines in. Raises as :func:`update_sidecar`.
    """

    def added(before: bytes | None) -> bytes:
        return b"".join(part if part.endswith(b"\n") else part + b"\n" for part in (before, bundles) if part)

    update_sidecar(path, added, limits)


def _read_bounded(fd: int, size: int, shown: str, allowed: int) -> bytes:
    if size > allowed:
        raise _too_large(shown, allowed)
    pieces: list[bytes] = []
    length = 0
    try:
        while piece := os.read(fd, _CHUNK_BYTES):
            pieces.append(piece)
            length += len(piece)
            if length > allowed:
                raise _too_large(shown, allowed)
    except OSError as error:
        raise _refused(f"reading {shown} failed: {error.strerror}", "Check the disk that it is on.") from None
    return b"".join(pieces)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder against other writers of signature files; where there are no locks, go on without."""
    shown = printable(folder)
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _cannot_write(shown, error) from None
    try:
        _lock(fd, shown)
        yield
        # The new name is on the disk once the folder is; some file systems cannot say so.
        with contextlib.suppress(OSError):
            os.fsync(fd)
    finally:
        os.close(fd)


def _lock(fd: int, shown: str) -> None:
    """Take the lock without waiting for ever: whoever may read the folder may hold it."""
    for _ in range(_LOCK_TRIES):
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE_SECONDS)
        except OSError:
            return None
    raise UsageError(
        f"another process has held the folder {shown} locked for too long",
        hint="See what else writes signatures there, and try again.",
        path=shown,
    )


def _replace(target: Path, data: bytes) -> None:
    """Write a new file beside ``target`` and rename it over it: a reader sees the old file or the new one."""
    fresh = target.with_name(f".secureload-{os.urandom(8).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        fd = os.open(fresh, flags, _MODE)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(fd)
            fresh.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise
    except OSError as error:
        raise _cannot_write(printable(target), error) from None


def _cannot_write(shown: str, error: OSError) -> UsageError | SandboxError:
    message = f"the signature file cannot be written to {shown}: {printable(error.strerror or error, 120)}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG):
        return SandboxError(message, hint="Make room on the disk, or have it written elsewhere.", path=shown)
    return UsageError(
        message,
        hint="Check the folder's permissions, or have it written elsewhere.",
        path=shown,
    )


def _refused(message: str, hint: str) -> SignatureFormatError:
    return SignatureFormatError(f"the signature file is refused: {message}", hint=hint)


def _too_large(shown: str, allowed: int) -> SignatureFormatError:
    return SignatureFormatError(
        f"the signature file {shown} is larger than {allowed:,} bytes",
        hint="Sign again into a new file, or raise the limit sidecar_bytes.",
        limit="sidecar_bytes",
        allowed=allowed,
    )
