"""How often workers that crashed are started again: some times in a while, and then not any more."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from secureload.errors import CrashLoopError

__all__ = ["RestartBudget"]


class RestartBudget:
    """Allows ``allowed`` restarts in any ``seconds`` seconds. Thread-safe."""

    def __init__(self, allowed: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowed = allowed
        self._seconds = seconds
        self._clock = clock
        self._times: deque[float] = deque()
        self._lock = threading.Lock()

    def renew_lock(self) -> None:
        """Forget who holds the lock: after a fork it may be a thread that is not here."""
        self._lock = threading.Lock()

    def spend(self, reason: Exception) -> None:
        """Take one restart, after a crash that ``reason`` describes.

        Raises:
            CrashLoopError: there were as many as are allowed; ``fields`` has ``restarts`` and ``seconds``.
        """
        with self._lock:
            now = self._clock()
            while self._times and now - self._times[0] >= self._seconds:
                self._times.popleft()
            if len(self._times) >= self._allowed:
                raise CrashLoopError(
                    f"the sandboxed worker crashed again, after {self._allowed} restarts within"
                    f" {self._seconds:g} s: {reason}",
                    hint="look at what it is asked; it is not started again before that time has passed",
                    restarts=self._allowed,
                    seconds=self._seconds,
                )
            self._times.append(now)
