"""A progress bar on standard error, for long work, and only where somebody looks."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["attempts_progress", "files_progress", "progress_of"]

_BIG_BYTES = 256 << 20
_MANY_FILES = 20
# Seldom enough to cost nothing, often enough to look alive.
_REDRAW_SECONDS = 0.1
_BAR_COLUMNS = 30
_ERASE = "\r\x1b[K"


class _Bar:
    """One line that is drawn over itself; several threads may report."""

    def __init__(self, describe: Callable[[int, int], str]) -> None:
        self._describe = describe
        self._lock = threading.Lock()
        self._next = 0.0
        self._drawn = False

    def show(self, done: int, total: int) -> None:
        with self._lock:
            now = time.monotonic()
            if now < self._next:
                return
            self._next = now + _REDRAW_SECONDS
            full = _BAR_COLUMNS * min(done, total) // total if total else 0
            bar = "#" * full + "-" * (_BAR_COLUMNS - full)
            self._write(f"{_ERASE}[{bar}] {self._describe(done, total)}")
            self._drawn = True

    def erase(self) -> None:
        with self._lock:
            self._next = float("inf")
            if self._drawn:
                self._write(_ERASE)

    @staticmethod
    def _write(text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()


@contextlib.contextmanager
def progress_of(path: Path) -> Iterator[Callable[[int, int], None] | None]:
    """Give a callback that shows the bytes done of the file or folder at ``path``, None where none is shown."""
    with _bar(_bytes_since(time.monotonic()), wanted=_is_looked_at() and _is_big(path)) as show:
        yield show


@contextlib.contextmanager
def files_progress(total: int) -> Iterator[Callable[[int, int], None] | None]:
    """Give a callback that shows the files done of ``total``, None where none is shown."""
    with _bar(_files, wanted=_is_looked_at() and total >= _MANY_FILES) as show:
        yield show


@contextlib.contextmanager
def attempts_progress(total: int) -> Iterator[Callable[[int], None]]:
    """Give a callback that shows how many attempts of ``total`` are made, if somebody looks."""
    with _bar(_attempts, wanted=_is_looked_at()) as show:
        yield (lambda done: show(done, total)) if show is not None else (lambda done: None)


@contextlib.contextmanager
def _bar(describe: Callable[[int, int], str], *, wanted: bool) -> Iterator[Callable[[int, int], None] | None]:
    if not wanted:
        yield None
        return
    bar = _Bar(describe)
    try:
        yield bar.show
    finally:
        bar.erase()


def _is_looked_at() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _is_big(path: Path) -> bool:
    try:
        return path.is_dir() or path.stat().st_size >= _BIG_BYTES
    except (OSError, ValueError):
        return False


def _bytes_since(begin: float) -> Callable[[int, int], str]:
    """Return what describes the bytes done, and how many a second."""

    def describe(done: int, total: int) -> str:
        rate = done / max(time.monotonic() - begin, 1e-3) / 1e6
        amount = f"{done / 1e6:,.0f} of {total / 1e6:,.0f} MB" if total else f"{done / 1e6:,.0f} MB"
        return f"{amount}, {rate:,.0f} MB/s"

    return describe


def _attempts(done: int, total: int) -> str:
    return f"{done:,} of {total:,} attempts"


def _files(done: int, total: int) -> str:
    return f"{done:,} of {total:,} files"
