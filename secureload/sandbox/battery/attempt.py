"""One attempt to get out, the scene that it is made in, and how its outcome is told. Every attempt is inert."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from secureload.sandbox.battery.numbers import number_of
from secureload.values import dataclass

__all__ = [
    "Attempt",
    "Run",
    "Scene",
    "call",
    "canary_path",
    "fatal",
    "first_file",
    "free",
    "guarded",
    "outcome",
    "reaching",
]

_LIBC = ctypes.CDLL(None, use_errno=True)
# What says that a call was turned away at the door, and not that the kernel disliked its arguments.
_AT_THE_DOOR = frozenset({errno.EPERM, errno.EACCES, errno.ENOSYS})


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the canaries are: a folder with the file ``canary``, and the process that may not be touched."""

    folder: Path
    victim: int

    @property
    def canary(self) -> Path:
        """A file that is not the model's."""
        return self.folder / "canary"

    @property
    def fresh(self) -> Path:
        """A path beside it at which there is nothing yet."""
        return self.folder / f"made-{os.getpid()}"


Run: TypeAlias = Callable[[Scene], object]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A named attempt; the word before the colon is its family.

    ``run`` returns where it got through, and raises where it was stopped. ``free`` attempts get through in a bare
    process of any user; others are stopped there too, for want of a privilege or of a kernel that has it. Behind
    the filter a ``fatal`` one ends the process.
    """

    name: str
    run: Run
    free: bool = False
    fatal: bool = False

    @property
    def family(self) -> str:
        """What it goes for: files, network, processes…"""
        return self.name.partition(":")[0]


def free(name: str, run: Run) -> Attempt:
    """Return an attempt that gets through in any bare process."""
    return Attempt(name, run, free=True)


def guarded(name: str, run: Run) -> Attempt:
    """Return an attempt for which a bare process may lack the privilege."""
    return Attempt(name, run)


def fatal(name: str, run: Run) -> Attempt:
    """Return an attempt that ends the process behind the filter."""
    return Attempt(name, run, fatal=True)


def call(name: str, *args: object) -> int:
    """Make the system call ``name``.

    Raises:
        OSError: the kernel said no.
        NotImplementedError: this architecture has no call of that name.
    """
    words = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    ctypes.set_errno(0)
    result: int = _LIBC.syscall(ctypes.c_long(number_of(name)), *words)
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def reaching(name: str, *args: object) -> Run:
    """Return an attempt that only reaches the kernel: its arguments are such that nothing can come of it."""

    def run(_scene: Scene) -> object:
        try:
            return call(name, *args)
        except OSError as error:
            if error.errno in _AT_THE_DOOR:
                raise
            return error.errno

    return run


def canary_path(scene: Scene) -> bytes:
    """The canary's path as the kernel takes it."""
    return os.fsencode(scene.canary)


def first_file() -> int:
    """Return the first regular file that is open (a worker's is the pinned artifact).

    Raises:
        OSError: none is.
    """
    for number in range(3, 64):
        try:
            os.lseek(number, 0, os.SEEK_CUR)
        except OSError:
            continue
        return number
    raise OSError(errno.EBADF, "nothing is open")


def outcome(attempt: Attempt, scene: Scene) -> str:
    """Make one attempt: "through", or the name of the error that stopped it; "absent" where there is no such call."""
    try:
        attempt.run(scene)
    except NotImplementedError:
        return "absent"
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, type(error).__name__)
    except Exception as error:
        return type(error).__name__
    return "through"
