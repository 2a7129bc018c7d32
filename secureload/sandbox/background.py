"""Calls that somebody awaits: they run in threads of our own, and an abandoned one does not hold its worker.

The threads are daemons, as many as there are workers to ask, and end when there was nothing to do for a while.
(The standard library's pool would be joined when the interpreter ends, however long its call takes.)
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

__all__ = ["Background"]

_IDLE_SECONDS = 5.0


class Background:
    """Runs functions in at most ``most`` threads, in the order in which they came."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._changed = threading.Condition()
        self._threads = 0
        self._idle = 0
        self._closed = False

    def renew(self) -> None:
        """Forget the threads: after a fork there are none."""
        self.__init__(self._most)  # type: ignore[misc]  # what was waiting belongs to the other process

    def submit(self, run: Callable[[], Any]) -> Future[Any]:
        """Have ``run`` called in a thread, in a copy of this context, and return its future."""
        future: Future[Any] = Future()
        context = contextvars.copy_context()
        with self._changed:
            self._waiting.append((future, lambda: context.run(run)))
            if len(self._waiting) > self._idle and self._threads < self._most:
                self._threads += 1
                threading.Thread(target=self._serve, name="secureload-call", daemon=True).start()
            else:
                self._changed.notify()
        return future

    def close(self) -> None:
        """Let the threads end once nothing waits any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    async def run(self, run: Callable[[], Any], abandon: Callable[[Future[Any]], None]) -> Any:
        """Await ``run`` in a thread. Where the awaiting task is cancelled while it runs, ``abandon`` is called."""
        future = self.submit(run)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if not future.cancel() and not future.done():
                abandon(future)
            raise

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                try:
                    self._changed.wait_for(lambda: bool(self._waiting) or self._closed, _IDLE_SECONDS)
                    if not self._waiting:
                        self._threads -= 1
                        return
                    future, run = self._waiting.popleft()
                finally:
                    self._idle -= 1
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(run())
                except BaseException as error:  # the awaiting task raises it
                    future.set_exception(error)
            del future, run
