"""One piece of work after the other, on several cores, until all is done or somebody presses Ctrl-C."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from itertools import chain
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
    together: Sequence[Sequence[int]] | None = None,
) -> dict[int, _Done]:
    """Do ``one`` of every piece of work, ``jobs`` at a time; return what it gave by the place in ``work``.

    The places in each of ``together`` (all of them, each once) are done by one thread, one after the other. Ctrl-C
    sets ``stop`` (so that ``one`` can look, and raise :class:`Stopped`) and returns what is done by then.
    """
    done: dict[int, _Done] = {}
    groups = [[place] for place in range(len(work))] if together is None else together
    if jobs <= 1 or len(work) <= 1:
        try:
            for place in chain.from_iterable(groups):
                done[place] = one(work[place])
                if progress is not None:
                    progress(len(done), len(work))
        except KeyboardInterrupt:
            stop.set()
        return done
    from concurrent.futures import ThreadPoolExecutor, as_completed

    def all_of(places: Sequence[int]) -> int:
        for place in places:
            done[place] = one(work[place])
        return len(places)

    # The confined tracers are processes: threads that wait for them are enough to keep the cores busy.
    pool = ThreadPoolExecutor(max_workers=min(jobs, len(groups)), thread_name_prefix="secureload")
    try:
        ended = 0
        for future in as_completed([pool.submit(all_of, places) for places in groups]):
            ended += future.result()
            if progress is not None:
                progress(ended, len(work))
    except KeyboardInterrupt:
        stop.set()
    finally:
        pool.shutdown(wait=not stop.is_set(), cancel_futures=True)
    return done
