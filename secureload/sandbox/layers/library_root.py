"""The root of a worker with the relaxed filter: the libraries and what the caller named, to be read, and nothing else.

A tmpfs that is read-only itself, with read-only binds of folders in their usual places (mount_setattr(2), Linux
5.12 or later; an older kernel gives no root of this kind, and that is said).
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from secureload.sandbox.kernel import raw_syscall

__all__ = ["library_places", "outermost", "put_in_place"]

_MS_BIND, _MS_REC = 0x1000, 0x4000
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_MOST_LINKS = 40

# Where the loader of shared libraries looks, and what Python reads of the system.
_SYSTEM_PLACES = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
    "/usr/share/zoneinfo",
)


class _MountAttr(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def library_places(readable: Iterable[str]) -> tuple[str, ...]:
    """Return the places that late imports read from, and ``readable``: those that are there."""
    own = [entry for entry in sys.path if Path(entry).is_absolute()]
    found = [place for place in (*own, *_SYSTEM_PLACES, *readable) if place != "/" and os.path.exists(place)]  # noqa: PTH110  # what may not be looked at is not there
    return tuple(dict.fromkeys(found))


def outermost(places: Iterable[str]) -> tuple[str, ...]:
    """Return the places that do not lie in another one of them."""
    parts = {Path(place).parts for place in places}
    return tuple(
        sorted(str(Path(*one)) for one in parts if not any(one[:end] in parts for end in range(1, len(one))))
    )


def put_in_place(places: Iterable[str], root: str) -> None:
    """Bind ``places`` read-only at their own paths beneath ``root``; links on the way to them are made again.

    Raises:
        OSError: the kernel said no.
    """
    real = [_beneath(place, root) for place in places]
    attributes = _MountAttr(_ATTR_RDONLY | _ATTR_NOSUID | _ATTR_NODEV, 0, 0, 0)
    for place in outermost(real):
        there = Path(root + place)
        if Path(place).is_dir():
            there.mkdir(parents=True, exist_ok=True)
        else:
            there.parent.mkdir(parents=True, exist_ok=True)
            there.touch()
        target = os.fsencode(there)
        raw_syscall("mount", os.fsencode(place), target, 0, _MS_BIND | _MS_REC, 0)
        size = ctypes.sizeof(attributes)
        raw_syscall("mount_setattr", _AT_FDCWD, target, _AT_RECURSIVE, ctypes.byref(attributes), size)


def _beneath(place: str, root: str) -> str:
    """Return where ``place`` really is; each link on the way is made again beneath ``root``."""
    current, waiting = Path("/"), list(Path(place).parts[1:])
    for _ in range(_MOST_LINKS + len(waiting)):
        if not waiting:
            return str(current)
        step = current / waiting.pop(0)
        if not step.is_symlink():
            current = step
            continue
        target = step.readlink()
        made = Path(root + str(step))
        made.parent.mkdir(parents=True, exist_ok=True)
        if not made.is_symlink():
            made.symlink_to(target)
        current = Path("/")
        waiting = [*Path(os.path.normpath(step.parent / target)).parts[1:], *waiting]
    raise OSError(40, "too many levels of symbolic links", place)
