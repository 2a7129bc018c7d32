"""no_new_privs, capabilities and the dumpable flag (prctl(2), capabilities(7))."""

from __future__ import annotations

import ctypes
import signal

from secureload.sandbox.kernel import KernelError, prctl, raw_syscall
from secureload.sandbox.layers.layer import LayerReport

__all__ = [
    "die_with_parent",
    "drop_bounding_set",
    "drop_capabilities",
    "effective_capabilities",
    "forbid_new_privileges",
    "hide_memory",
]

_PR_SET_PDEATHSIG, _PR_GET_PDEATHSIG = 1, 2
_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4
_PR_CAPBSET_READ = 23
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_KNOWN_CAPABILITY = 63


class _CapHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapData(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def forbid_new_privileges() -> LayerReport:
    """Set no_new_privs: no program that is started later gains anything; seccomp and Landlock ask for it."""
    try:
        prctl(_PR_SET_NO_NEW_PRIVS, 1)
    except KernelError as error:
        return LayerReport("no-new-privileges", "unavailable", str(error))
    return LayerReport("no-new-privileges", "enforced", "no_new_privs is set")


def drop_bounding_set() -> int:
    """Empty the bounding set; return how many stay in it, for want of CAP_SETPCAP (no_new_privs makes them useless)."""
    kept = 0
    for capability in range(_LAST_KNOWN_CAPABILITY + 1):
        try:
            if prctl(_PR_CAPBSET_READ, capability):
                prctl(_PR_CAPBSET_DROP, capability)
        except KernelError as error:
            if error.errno == 22:  # EINVAL: past the last capability of this kernel
                break
            kept += 1
    return kept


def drop_capabilities(kept: int | None = None) -> LayerReport:
    """Empty the ambient, inheritable, permitted and effective sets, and the bounding set unless that was done.

    ``kept`` is what :func:`drop_bounding_set` has returned.
    """
    if kept is None:
        kept = drop_bounding_set()
    try:
        prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
        header = _CapHeader(_CAPABILITY_VERSION_3, 0)
        raw_syscall("capset", ctypes.byref(header), ctypes.byref((_CapData * 2)()))
    except KernelError as error:
        return LayerReport("capabilities", "unavailable", str(error))
    bounding = f", {kept} left in the bounding set" if kept else ""
    return LayerReport("capabilities", "enforced", f"all sets emptied{bounding}")


def effective_capabilities() -> int:
    """Return the effective set of this process as a mask."""
    header, data = _CapHeader(_CAPABILITY_VERSION_3, 0), (_CapData * 2)()
    raw_syscall("capget", ctypes.byref(header), ctypes.byref(data))
    return int(data[0].effective) | int(data[1].effective) << 32


def hide_memory() -> LayerReport:
    """Clear the dumpable flag: no core file, and no other process of this user reads our memory."""
    try:
        prctl(_PR_SET_DUMPABLE, 0)
        if prctl(_PR_GET_DUMPABLE) != 0:
            return LayerReport("not-dumpable", "unavailable", "the kernel keeps the process dumpable")
    except KernelError as error:
        return LayerReport("not-dumpable", "unavailable", str(error))
    return LayerReport("not-dumpable", "enforced", "no core file, memory hidden from other processes")


def die_with_parent() -> LayerReport:
    """Ask for SIGKILL when the parent ends. Changing credentials clears it: call this after the last change."""
    told = ctypes.c_int()
    try:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        raw_syscall("prctl", _PR_GET_PDEATHSIG, ctypes.byref(told))
    except KernelError as error:
        return LayerReport("parent-death-signal", "unavailable", str(error))
    if told.value != signal.SIGKILL:
        return LayerReport("parent-death-signal", "unavailable", "the kernel did not keep it")
    return LayerReport("parent-death-signal", "enforced", "killed when its parent ends")
