"""What fickling said in earlier runs, kept in a folder of the user's, by the digest of what it was asked.

It is shown and decides nothing. The folder is the user's alone (0700), or it is neither read nor written; what
stands in it is read as strictly as a worker's answer.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from itertools import islice

import msgpack

from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.checked import TraceFormatError, as_list, as_text
from secureload.pickles.fickling_reader import UNREADABLE, Opinion, opinion_of

__all__ = ["Remembered"]

# An opinion under its digest, or one that was never written to its end.
_OURS = re.compile(r"[0-9a-f]{64}|\.[0-9a-f]{16}")
_PART_GIVEN_UP = 8
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class Remembered:
    """The opinions in ``folder``, an absolute path, of one version of fickling (in ``told_apart_by``)."""

    def __init__(self, folder: str, told_apart_by: str, limits: Limits = DEFAULT_LIMITS) -> None:
        self._folder = folder
        self.told_apart_by = told_apart_by.encode("utf-8", "backslashreplace")
        self._limits = limits

    def find(self, digest: bytes) -> Opinion | None:
        """Return the opinion that was kept under ``digest``; None where there is none that can be believed."""
        try:
            with self._opened(make=False) as folder:
                descriptor = os.open(digest.hex(), _OPEN | os.O_NONBLOCK, dir_fd=folder)
                with open(descriptor, "rb") as file:  # noqa: PTH123  # a descriptor
                    found = os.fstat(descriptor)
                    most = self._limits.opinion_bytes
                    if (
                        not stat.S_ISREG(found.st_mode)
                        or found.st_uid != os.geteuid()
                        or found.st_size > most
                    ):
                        return None
                    source, severity, messages = as_list(
                        msgpack.unpackb(file.read(most), strict_map_key=True)
                    )
            return opinion_of(source, as_text(severity), as_list(messages))
        except (OSError, ValueError, TypeError, TraceFormatError, msgpack.exceptions.UnpackException):
            return None

    def keep(self, digest: bytes, opinion: Opinion) -> None:
        """Keep an opinion, if there is a place for it; that fickling gave none is not kept."""
        if opinion.severity == UNREADABLE:
            return
        data = msgpack.packb([opinion.decompiled, opinion.severity, list(opinion.messages)])
        if len(data) > self._limits.opinion_bytes:
            return
        with contextlib.suppress(OSError), self._opened(make=True) as folder:
            if not self._has_room(folder):
                return
            name = f".{os.urandom(8).hex()}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(name, flags, 0o600, dir_fd=folder)
            try:
                with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor
                    file.write(data)
                os.replace(name, digest.hex(), src_dir_fd=folder, dst_dir_fd=folder)  # as above
            except OSError:
                os.unlink(name, dir_fd=folder)  # as above
                raise

    def _has_room(self, folder: int) -> bool:
        """Whether one more has a place; where there is none, an eighth of all is given up, the oldest first.

        What we did not put there stays, and counts. Other processes may do the same at the same time.
        """
        most = self._limits.opinions_remembered_items
        with os.scandir(folder) as entries:
            found = list(islice(entries, 2 * most))
            if len(found) < most:
                return True
            ours = sorted(
                (entry.stat(follow_symlinks=False).st_mtime_ns, entry.name)
                for entry in found
                if _OURS.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
            )
        given_up = ours[: len(found) - most + max(most // _PART_GIVEN_UP, 1)]
        for _, name in given_up:
            with contextlib.suppress(FileNotFoundError):  # another process was first
                os.unlink(name, dir_fd=folder)  # as above
        return len(found) - len(given_up) < most

    @contextlib.contextmanager
    def _opened(self, *, make: bool) -> Iterator[int]:
        """Give a descriptor of the folder; raise :class:`OSError` where it is not the user's alone."""
        if make:
            os.makedirs(self._folder, 0o700, exist_ok=True)  # noqa: PTH103  # a text
        descriptor = os.open(self._folder, _OPEN | os.O_DIRECTORY)
        try:
            found = os.fstat(descriptor)
            if found.st_uid != os.geteuid() or found.st_mode & 0o077:
                raise PermissionError(f"{self._folder} is not this user's alone")
            yield descriptor
        finally:
            os.close(descriptor)
