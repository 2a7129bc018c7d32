"""A progress bar on standard error, for big files, and only where somebody looks."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["progress_of"]

_BIG_BYTES = 256 << 20


@contextlib.contextmanager
def progress_of(path: Path) -> Iterator[Callable[[int, int], None] | None]:
    """Give a callback that shows the bytes done of the file or folder at ``path``, None where none is shown."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb" or not _is_big(path):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


def _is_big(path: Path) -> bool:
    try:
        return path.is_dir() or path.stat().st_size >= _BIG_BYTES
    except (OSError, ValueError):
        return False
