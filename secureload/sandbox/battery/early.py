"""A thread that was there before the doors were closed: the filter has to hold for it too."""

from __future__ import annotations

import os
import threading

from secureload.sandbox.battery.attempt import Run, Scene

__all__ = ["in_early_thread", "start_early_thread"]

_SECONDS = 5


class _EarlyThread:
    def __init__(self) -> None:
        self._go, self._done = threading.Event(), threading.Event()
        self._work: tuple[Run, Scene] | None = None
        self._error: BaseException | None = None
        self._pid = 0

    def start(self) -> None:
        self._pid = os.getpid()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            self._go.wait()
            self._go.clear()
            if self._work is None:
                continue
            run, scene = self._work
            self._error = None
            try:
                run(scene)
            except BaseException as error:
                self._error = error
            self._done.set()

    def run(self, run: Run, scene: Scene) -> None:
        if self._pid != os.getpid():
            raise TimeoutError("no thread was there before")
        self._work = (run, scene)
        self._done.clear()
        self._go.set()
        if not self._done.wait(_SECONDS):
            raise TimeoutError("the thread is gone")
        if self._error is not None:
            raise self._error


_EARLY = _EarlyThread()


def start_early_thread() -> None:
    """Start the thread; Landlock, which binds one thread alone, is told as missing then."""
    _EARLY.start()


def in_early_thread(run: Run) -> Run:
    """Return the attempt made in that thread."""
    return lambda scene: _EARLY.run(run, scene)
