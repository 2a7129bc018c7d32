"""One thread while the doors are closed, the caller's number of threads behind them.

Landlock binds one thread and a user namespace is refused to a process with two, so the numeric libraries are
imported with their pools at one; afterwards they get what they would have had in the caller's process, for
the order of a sum over four threads is not that over one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from secureload.sandbox.launch import THREAD_VARIABLES

__all__ = ["THREAD_VARIABLES", "ThreadPools", "forget_pools", "local_locks", "thread_pools"]

_LIMITS = {"openmp": "OMP_NUM_THREADS", "openblas": "OPENBLAS_NUM_THREADS", "mkl": "MKL_NUM_THREADS",
           "blis": "BLIS_NUM_THREADS"}  # fmt: skip


class ThreadPools:
    """The pools that are loaded now (found before the lock-down, for finding reads the memory map)."""

    def __init__(self, wanted: Mapping[str, int]) -> None:
        """``wanted`` maps the environment variables that the caller has set to their numbers."""
        self._controllers = thread_pools()
        self._wanted = wanted
        self._default = len(os.sched_getaffinity(0))

    def open(self) -> None:
        """Give every pool the number of threads that it would have in the caller's process."""
        for name in THREAD_VARIABLES:
            os.environ.pop(name, None)
            if name in self._wanted:
                os.environ[name] = str(self._wanted[name])
        for controller in self._controllers:
            controller.set_num_threads(self._number(controller))

    def _number(self, controller: Any) -> int:
        own = _LIMITS.get(controller.internal_api, "")
        number = self._wanted.get(own, self._wanted.get("OMP_NUM_THREADS", self._default))
        return max(1, min(number, self._default * 4))


_found: list[Any] = []


def thread_pools() -> list[Any]:
    """Return threadpoolctl's controllers of the pools that are loaded, found once: that reads the memory map."""
    if not _found:
        import threadpoolctl

        _found.extend(threadpoolctl.ThreadpoolController().lib_controllers)
    return list(_found)


def forget_pools() -> None:
    """Look for the pools again the next time: more may be loaded by then."""
    _found.clear()


def local_locks() -> None:
    """Let multiprocessing's thread pools use locks of this process: named semaphores need /dev/shm.

    No process can be started in the worker, so a lock between processes has nobody to lock out.
    """
    import multiprocessing.context  # the parent, who only wants the names above, does without it

    context: Any = multiprocessing.context.BaseContext
    context.Lock = lambda _self: threading.Lock()
    context.RLock = lambda _self: threading.RLock()
    context.Semaphore = lambda _self, value=1: threading.Semaphore(value)
    context.BoundedSemaphore = lambda _self, value=1: threading.BoundedSemaphore(value)
    context.Condition = lambda _self, lock=None: threading.Condition(lock)
    context.Event = lambda _self: threading.Event()
