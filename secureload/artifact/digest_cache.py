"""Digests of files that were hashed before, so that a folder is signed again without reading what has not changed.

For signing alone. A file counts as unchanged where device, inode, size, modification and change time are the same, and
only if it had rested for two seconds when it was hashed: an edit in the same tick of the clock would not show.
The change time cannot be set by a program. The file is the user's own: who can write there can sign as the user.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from secureload.errors import UsageError
from secureload.limits import DEFAULT_LIMITS, Limits

__all__ = ["Digests", "default_cache_file", "digest_cache"]

_REST_NANOSECONDS: Final = 2_000_000_000
_MOST_ENTRIES: Final = 200_000


class Digests:
    """Digests by the stat of their file. ``hits`` counts those that were found."""

    def __init__(self, entries: dict[str, str]) -> None:
        self._entries = entries
        self._fresh: dict[str, str] = {}
        self._now = time.time_ns()
        self.hits = 0

    def find(self, found: os.stat_result) -> bytes | None:
        """Return the SHA-256 (32 bytes) of the file with this stat, where it is known."""
        text = self._entries.get(_key(found))
        if text is None:
            return None
        self.hits += 1
        return bytes.fromhex(text)

    def keep(self, found: os.stat_result, digest: bytes) -> None:
        """Note a digest, unless the file was changed a moment ago."""
        if self._now - max(found.st_mtime_ns, found.st_ctime_ns) > _REST_NANOSECONDS:
            self._fresh[_key(found)] = digest.hex()

    def entries(self) -> dict[str, str]:
        """Return all of them, the latest at the end, and no more than a limit."""
        merged = {
            **{key: text for key, text in self._entries.items() if key not in self._fresh},
            **self._fresh,
        }
        return dict(list(merged.items())[-_MOST_ENTRIES:])

    @property
    def has_changed(self) -> bool:
        """Whether there is something to write down."""
        return any(self._entries.get(key) != text for key, text in self._fresh.items())


def default_cache_file() -> Path:
    """Return ``$XDG_CACHE_HOME/secureload/digests.json``, or else the one below ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    folder = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return folder / "secureload" / "digests.json"


@contextlib.contextmanager
def digest_cache(limits: Limits = DEFAULT_LIMITS) -> Iterator[Digests]:
    """Give the user's cache, and write it back at the end. A damaged one, or one of others, is as an empty one.

    Raises :class:`UsageError` where it cannot be written.
    """
    path = default_cache_file()
    digests = Digests(_read(path, limits))
    yield digests
    if digests.has_changed:
        try:
            _write(path, json.dumps(digests.entries()).encode("ascii"))
        except OSError as error:
            raise UsageError(
                f"the cache of digests cannot be written: {error.strerror}",
                hint="Sign without --incremental.",
            ) from None


def _key(found: os.stat_result) -> str:
    return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


def _read(path: Path, limits: Limits) -> dict[str, str]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return {}
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            return {}
        data = file.read(limits.digest_cache_bytes + 1)
    try:
        value = json.loads(data) if len(data) <= limits.digest_cache_bytes else {}
    except (ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {key: text for key, text in value.items() if isinstance(text, str) and _is_digest(text)}


def _is_digest(text: str) -> bool:
    return len(text) == 64 and not text.strip("0123456789abcdef")


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
