"""Waiting for the other side of a socket: a moment awake where that has paid off, then asleep.

A process that sleeps is awake again some 20 to 60 µs after its message came, which is more than all else that a
small call costs. So a side that was answered quickly last time looks for a while before it sleeps; where the last
answer took some milliseconds, it sleeps until shortly before that time. Where it has not paid off (the other side
took long, or there is one processor only, or both sides are on the same one), it sleeps at once.
"""

from __future__ import annotations

import os
import select
import socket
import time
from typing import Final

__all__ = ["Waiting"]

# select(2) counts in microseconds, poll(2) in milliseconds; select knows the first descriptors only.
_SELECTED_DESCRIPTORS: Final = 1024
_NEVER: Final = 1e9
_DONTWAIT: Final = int(
    socket.MSG_DONTWAIT
)  # looking up a member of an enumeration takes as long as receiving


class Waiting:
    """Receives from one socket in blocking mode.

    ``awake_seconds`` bounds how long it looks before and after the moment at which the answer is expected, and
    ``expected_seconds`` for how long ahead it expects one. Both 0: it sleeps at once.
    """

    def __init__(
        self, sock: socket.socket, *, awake_seconds: float = 0.0, expected_seconds: float = 0.0
    ) -> None:
        self._receive = sock.recv_into
        self._descriptor = sock.fileno()
        self._readable = select.poll()
        self._readable.register(sock, select.POLLIN)
        self._awake = awake_seconds if len(os.sched_getaffinity(0)) > 1 else 0.0
        self._expected = max(expected_seconds, self._awake) if self._awake else -1.0
        self._last = _NEVER  # what the last wait took, in seconds
        # The processors of both sides, each when it last sent something; 0 where it is not known.
        self.here = 0
        self.partner = 0

    def receive_into(self, buffer: memoryview, deadline: float | None) -> int:
        """Receive what there is of a message, once there is any; 0 where the other side is gone.

        Raises:
            TimeoutError: ``deadline``, a reading of :func:`time.monotonic`, has passed.
            OSError: the connection broke.
        """
        apart = self.partner != self.here
        if apart:  # otherwise this one has kept the other side from answering
            try:
                return self._receive(buffer, 0, _DONTWAIT)
            except BlockingIOError:
                pass
        began = time.monotonic()
        try:
            if apart and self._last <= self._expected:
                received = self._look(buffer, began, deadline)
                if received is not None:
                    return received
            return self._sleep(buffer, deadline)
        finally:
            self._last = time.monotonic() - began

    def _look(self, buffer: memoryview, began: float, deadline: float | None) -> int | None:
        """Look around the expected moment; None where nothing has come by then."""
        early = self._last - self._awake
        if early > 0 and (deadline is None or began + early < deadline):
            if self._descriptor < _SELECTED_DESCRIPTORS:
                select.select([self._descriptor], [], [], early)
            else:
                self._readable.poll(early * 1e3)
        end = began + self._last + self._awake
        if deadline is not None and deadline < end:
            end = deadline
        receive, now, give_way = self._receive, time.monotonic, os.sched_yield
        while True:
            give_way()  # to whoever else needs this processor
            try:
                return receive(buffer, 0, _DONTWAIT)
            except BlockingIOError:
                if now() > end:
                    return None

    def _sleep(self, buffer: memoryview, deadline: float | None) -> int:
        if deadline is None:
            return self._receive(buffer)
        while True:
            left = deadline - time.monotonic()
            if self._readable.poll(max(left * 1e3 + 1, 0)):
                try:
                    return self._receive(buffer, 0, _DONTWAIT)
                except BlockingIOError:  # another reader of the same socket was quicker
                    continue
            if left <= 0:
                raise TimeoutError
