"""Landlock: no path is opened, made or changed, no TCP port used, no signal sent out (landlock(7)).

The ruleset handles every right that the kernel's ABI knows and grants none. It binds the calling thread
and those that it starts, so it is applied while there is exactly one.
"""

from __future__ import annotations

import ctypes

from secureload.sandbox.kernel import KernelError, raw_syscall
from secureload.sandbox.layers.layer import LayerReport

__all__ = ["apply_landlock", "landlock_abi"]

_CREATE_RULESET_VERSION = 1
# Number of file system rights known to each ABI version (include/uapi/linux/landlock.h).
_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NET_BIND_AND_CONNECT = 0b11
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


class _RulesetAttr(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


def landlock_abi() -> int:
    """Return the kernel's Landlock ABI version.

    Raises:
        KernelError: the kernel has no Landlock, or it is switched off.
    """
    return raw_syscall("landlock_create_ruleset", 0, 0, _CREATE_RULESET_VERSION)


def apply_landlock() -> LayerReport:
    """Restrict this thread (and its future threads) to nothing; no_new_privs must be set."""
    try:
        abi = landlock_abi()
        attr = _RulesetAttr(
            (1 << _FS_RIGHTS[min(abi, 5)]) - 1,
            _NET_BIND_AND_CONNECT if abi >= 4 else 0,
            _SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS if abi >= 6 else 0,
        )
        size = 24 if abi >= 6 else 16 if abi >= 4 else 8
        ruleset = raw_syscall("landlock_create_ruleset", ctypes.byref(attr), size, 0)
        raw_syscall("landlock_restrict_self", ruleset, 0)
        raw_syscall("close", ruleset)
    except KernelError as error:
        return LayerReport("landlock", "unavailable", str(error))
    parts = ["files"] + (["TCP"] if abi >= 4 else []) + (["abstract sockets, signals"] if abi >= 6 else [])
    return LayerReport("landlock", "enforced", f"ABI {abi}: {', '.join(parts)}")
