"""A model that looks around in its worker, and writes where it should not."""

from __future__ import annotations

import errno
import fcntl
import os
import time

LOOKING = f"{__name__}:Looking"


class Looking:
    """Its methods run in the worker."""

    def descriptors(self) -> list[int]:
        return [number for number in range(1024) if _is_open(number) and not _is_an_event(number)]

    def write_to(self, number: int) -> int:
        return os.write(number, b"x" * 10)

    def hang(self) -> None:
        while True:
            time.sleep(1)


def _is_an_event(number: int) -> bool:
    """Whether it reads events alone: where the caller has imported polars, its engine waits by a few of these."""
    try:
        os.read(number, 0)
    except OSError as error:
        return error.errno == errno.EINVAL
    return False


def _is_open(number: int) -> bool:
    try:
        fcntl.fcntl(number, fcntl.F_GETFD)
    except OSError:
        return False
    return True
