"""One piece of work after the other, on several cores, until all is done or somebody presses Ctrl-C."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ["Stopped", "cores", "each"]

_Work = TypeVar("_Work")
_Done = TypeVar("_Done")


class Stopped(Exception):  # noqa: N818  # not an error: somebody pressed Ctrl-C
    """Raised in a thread whose work nobody waits for any more."""


def cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return os.cpu_count() or 1


def each(
    work: Sequence[_Work],
    one: Callable[[_Work], _Done],
    *,
    jobs: int,
    progress: Callable[[int, int], None] | None = None,
    stop: threading.Event,
) -> dict[int, _Done]:
    """Do ``one`` of every piece of work, ``jobs`` at a time; return what it gave by the place in ``work``.

    Ctrl-C sets ``stop`` (so that ``one`` can look, and raise :class:`Stopped`) and returns what is done by then.
    """
    done: dict[int, _Done] = {}
    if jobs <= 1 or len(work) <= 1:
        try:
            for place, piece in enumerate(work):
                done[place] = one(piece)
                if progress is not None:
                    progress(len(done), len(work))
        except KeyboardInterrupt:
            stop.set()
        return done
    from concurrent.futures import ThreadPoolExecutor, as_completed

    # The confined tracers are processes: threads that wait for them are enough to keep the cores busy.
    pool = ThreadPoolExecutor(max_workers=min(jobs, len(work)), thread_name_prefix="secureload")
    try:
        places = {pool.submit(one, piece): place for place, piece in enumerate(work)}
        for future in as_completed(places):
            done[places[future]] = future.result()
            if progress is not None:
                progress(len(done), len(work))
    except KeyboardInterrupt:
        stop.set()
    finally:
        pool.shutdown(wait=not stop.is_set(), cancel_futures=True)
    return done
