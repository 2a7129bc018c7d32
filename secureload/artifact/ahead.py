"""Read in one thread while another works on what was read before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Final

__all__ = ["ReadAhead"]

# One is worked on, one is full, one is being filled.
_BUFFERS: Final = 3


class ReadAhead:
    """Calls ``fill`` with one buffer after the other in a thread of its own, and yields what it returns, in order.

    ``fill`` returns the filled part of its buffer, an empty one at the end. A piece holds until the next is asked
    for. What ``fill`` raises is raised where its piece would have come. A context manager: leaving it ends the
    thread, after the call that it is in.
    """

    def __init__(self, fill: Callable[[memoryview], memoryview], chunk_bytes: int) -> None:
        self._fill = fill
        self._buffers = [memoryview(bytearray(chunk_bytes)) for _ in range(_BUFFERS)]
        self._full: list[memoryview | BaseException] = []
        self._changed = threading.Condition()
        self._free = _BUFFERS
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="secureload-read", daemon=True)

    def __enter__(self) -> ReadAhead:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join()

    def __iter__(self) -> Iterator[memoryview]:
        while True:
            with self._changed:
                while not self._full:
                    self._changed.wait()
                piece = self._full.pop(0)
            if isinstance(piece, BaseException):
                raise piece
            if not piece:
                return
            yield piece
            with self._changed:
                self._free += 1
                self._changed.notify_all()

    def _run(self) -> None:
        turn = 0
        while True:
            with self._changed:
                while not self._free and not self._is_closed:
                    self._changed.wait()
                if self._is_closed:
                    return
                self._free -= 1
            try:
                piece: memoryview | BaseException = self._fill(self._buffers[turn % _BUFFERS])
            except BaseException as error:  # it is raised in the thread that asked
                piece = error
            turn += 1
            with self._changed:
                self._full.append(piece)
                self._changed.notify_all()
            if isinstance(piece, BaseException) or not piece:
                return
