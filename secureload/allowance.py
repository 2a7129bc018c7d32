"""How long the unpickler may take for so many bytes.

It is C code that cannot be asked to stop: a key that is a tuple doubled sixty times is hashed in 2**60 steps, and
keys with one hash make a dictionary quadratic. So whoever confines this process can have it ended, by a timer of
the kernel, when the unpickler takes longer than opcodes of that number do; nothing is installed elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from secureload.limits import Limits

__all__ = ["allowed_for", "install", "renew"]

_MIB = 1 << 20


class _Timer:
    """The timer of this process, if it has one."""

    def __init__(self) -> None:
        self.set: Callable[[float], object] | None = None
        # What is granted again with every piece of a stream whose length nobody knows; 0 where it is known.
        self.each = 0.0


_TIMER = _Timer()


def install(set_timer: Callable[[float], object]) -> None:
    """Have ``set_timer`` called with the seconds of CPU time after which this process ends; 0 means never."""
    _TIMER.set = set_timer


@contextmanager
def allowed_for(size: int, limits: Limits) -> Iterator[None]:
    """Grant the time that ``size`` bytes take; -1 where that is not known: then it is granted piece by piece."""
    set_timer = _TIMER.set
    if set_timer is None:
        yield
        return
    seconds = limits.unpickler_cpu_seconds
    _TIMER.each = seconds if size < 0 else 0.0
    set_timer(seconds + max(size, 0) / _MIB * limits.unpickler_mib_cpu_seconds)
    try:
        yield
    finally:
        _TIMER.each = 0.0
        set_timer(0.0)


def renew() -> None:
    """Grant time for another piece of a stream."""
    if _TIMER.each and _TIMER.set is not None:
        _TIMER.set(_TIMER.each)
