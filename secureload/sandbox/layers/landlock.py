"""Landlock: no path is opened, made or changed, no TCP port used, no signal sent out (landlock(7)).

The ruleset handles every right that the kernel's ABI knows and grants none; with the relaxed filter it grants
reading beneath the folders that are named. It binds the calling thread and those that it starts, so it is
applied while there is exactly one.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

from secureload.sandbox.kernel import raw_syscall
from secureload.sandbox.layers.layer import LayerReport
from secureload.values import dataclass

__all__ = ["Rights", "apply_landlock", "landlock_abi", "rights_of"]

_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_NET_BIND_AND_CONNECT = 0b11
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11
# From which ABI on there is what: how many rights over files the kernel then knows (include/uapi/linux/landlock.h).
_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
_NET_ABI, _SCOPE_ABI = 4, 6


class _RulesetAttr(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


@dataclass(frozen=True, slots=True)
class Rights:
    """What a ruleset of one ABI takes away: bits over files, over TCP, and of scopes; ``size`` of its structure."""

    files: int
    net: int
    scoped: int
    size: int

    @property
    def words(self) -> str:
        """What of it the kernel enforces, in words."""
        parts = ["files"]
        parts += ["TCP"] if self.net else []
        parts += ["abstract sockets", "signals"] if self.scoped else []
        return ", ".join(parts)


def rights_of(abi: int) -> Rights:
    """Return everything that a kernel of this ABI can take away."""
    known = max(number for since, number in _FS_RIGHTS.items() if since <= max(abi, 1))
    return Rights(
        files=(1 << known) - 1,
        net=_NET_BIND_AND_CONNECT if abi >= _NET_ABI else 0,
        scoped=_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS if abi >= _SCOPE_ABI else 0,
        size=24 if abi >= _SCOPE_ABI else 16 if abi >= _NET_ABI else 8,
    )


def landlock_abi() -> int:
    """Return the kernel's Landlock ABI version.

    Raises:
        KernelError: the kernel has no Landlock, or it is switched off.
    """
    return raw_syscall("landlock_create_ruleset", 0, 0, _CREATE_RULESET_VERSION)


def apply_landlock(readable: Iterable[str] = ()) -> LayerReport:
    """Restrict this thread (and its future threads) to reading beneath ``readable``; no_new_privs must be set."""
    readable = tuple(readable)
    try:
        abi = landlock_abi()
        rights = rights_of(abi)
        attr = _RulesetAttr(rights.files, rights.net, rights.scoped)
        ruleset = raw_syscall("landlock_create_ruleset", ctypes.byref(attr), rights.size, 0)
        try:
            for path in readable:
                _let_read(ruleset, path)
            raw_syscall("landlock_restrict_self", ruleset, 0)
        finally:
            raw_syscall("close", ruleset)
    except OSError as error:
        return LayerReport("landlock", "unavailable", str(error))
    told = f"; {len(readable)} places can be read" if readable else ""
    return LayerReport("landlock", "enforced", f"ABI {abi}: {rights.words}{told}")


def _let_read(ruleset: int, path: str) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # an entry of the module path that is not there
    try:
        access = _READ_FILE | _READ_DIR if Path(path).is_dir() else _READ_FILE
        rule = _PathBeneath(access, place)
        raw_syscall("landlock_add_rule", ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(place)
