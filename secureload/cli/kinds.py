"""Which files begin alike, so that one tracer gets them one after the other: it reads a kind of pickle once."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import Final

from secureload.pickles.template import beginning

__all__ = ["of_one_kind"]

# So that of a folder with one kind of model every core has some.
_MOST_TOGETHER: Final = 32
_FEWEST: Final = 8


def of_one_kind(paths: Sequence[str]) -> list[list[int]]:
    """Return the places of ``paths``, those that begin alike together; nothing is decided by it."""
    if len(paths) < _FEWEST:
        return [[place] for place in range(len(paths))]
    kinds: dict[bytes, list[list[int]]] = {}
    for place, path in enumerate(paths):
        groups = kinds.setdefault(beginning(_head(path)), [[]])
        if len(groups[-1]) >= _MOST_TOGETHER:
            groups.append([])
        groups[-1].append(place)
    return [group for groups in kinds.values() for group in groups]


def _head(path: str) -> bytes:
    """Return the first bytes of a regular file, none where it cannot be read: that is told when it is checked."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return b""
    try:
        return os.pread(descriptor, 128, 0) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    except OSError:
        return b""
    finally:
        os.close(descriptor)
