"""User, mount, network, pid, ipc, uts and cgroup namespaces, and an empty root (namespaces(7)).

The namespaces are entered before the worker is forked (a pid namespace begins with a child); the root is
emptied after the trusted imports, with pivot_root onto a read-only tmpfs that has nothing in it (with the relaxed
filter: nothing but libraries and what the caller named).
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Sequence
from pathlib import Path

from secureload.sandbox.kernel import KernelError, raw_syscall
from secureload.sandbox.layers.layer import LayerReport
from secureload.sandbox.layers.library_root import put_in_place
from secureload.sandbox.layers.user import UserMap

__all__ = ["empty_root", "enter_namespaces", "has_user_namespace"]

_CLONE_NEWNS = 0x00020000
_CLONE_NEWCGROUP = 0x02000000
_CLONE_NEWUTS = 0x04000000
_CLONE_NEWIPC = 0x08000000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWPID = 0x20000000
_CLONE_NEWNET = 0x40000000
_ALL_BUT_USER = (
    _CLONE_NEWNS | _CLONE_NEWCGROUP | _CLONE_NEWUTS | _CLONE_NEWIPC | _CLONE_NEWPID | _CLONE_NEWNET
)

_HOST_NAME = "sandbox"

_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REMOUNT = 1, 2, 4, 8, 32
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
_MNT_DETACH = 2


def enter_namespaces(users: UserMap | None = None) -> LayerReport:
    """Leave the host's namespaces; children are born into the new pid namespace.

    Must run with exactly one thread. Where user namespaces are refused but the process is privileged, the
    others are entered without one. ``users`` is whom a privileged process outside is asked to map.
    """
    uid, gid = os.geteuid(), os.getegid()
    if users is not None:
        with contextlib.suppress(OSError):  # without the privilege they stay
            os.setgroups([])
    try:
        raw_syscall("unshare", _CLONE_NEWUSER | _ALL_BUT_USER)
    except KernelError as first:
        if users is not None:
            users.forget()
        try:
            raw_syscall("unshare", _ALL_BUT_USER)
        except KernelError:
            return LayerReport("namespaces", "unavailable", f"{first}; user namespaces may be switched off")
        _hide_host_name()
        return LayerReport("namespaces", "enforced", "mount, net, pid, ipc, uts, cgroup (no user namespace)")
    try:
        Path("/proc/self/setgroups").write_text("deny")
        if users is None or not users.asked():
            Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
            Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    except OSError as error:
        return LayerReport("namespaces", "unavailable", f"no user mapping: {error.strerror}")
    _hide_host_name()
    return LayerReport("namespaces", "enforced", "user, mount, net, pid, ipc, uts, cgroup")


def has_user_namespace(entered: LayerReport) -> bool:
    """Whether a user namespace is among those that were ``entered``."""
    return entered.enforced and entered.detail.startswith("user,")


def _hide_host_name() -> None:
    with contextlib.suppress(OSError):  # uname(2) would tell the host's; nothing depends on it
        socket.sethostname(_HOST_NAME)


def empty_root(entered: LayerReport, places: Sequence[str] = ()) -> LayerReport:
    """Replace the root by a read-only file system with nothing but ``places``, if the mounts are our own.

    ``entered`` says whether they are. Binds of ``places`` are read-only too.
    """
    if not entered.enforced:
        return entered
    flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    try:
        raw_syscall("mount", b"none", b"/", 0, _MS_REC | _MS_PRIVATE, 0)
        if places:
            raw_syscall("mount", b"tmpfs", b"/proc", b"tmpfs", flags, b"size=1m,nr_inodes=4k,mode=0555")
            put_in_place(places, "/proc")
            raw_syscall("mount", b"tmpfs", b"/proc", b"tmpfs", flags | _MS_REMOUNT | _MS_RDONLY, 0)
        else:
            raw_syscall(
                "mount", b"tmpfs", b"/proc", b"tmpfs", flags | _MS_RDONLY, b"size=4k,nr_inodes=2,mode=0555"
            )
        os.chdir("/proc")
        raw_syscall("pivot_root", b".", b".")
        raw_syscall("umount2", b".", _MNT_DETACH)
        os.chdir("/")
    except OSError as error:
        return LayerReport("namespaces", "unavailable", f"{entered.detail}, but the root stayed: {error}")
    root = f"read-only root with {len(places)} places" if places else "empty read-only root"
    return LayerReport("namespaces", "enforced", f"{entered.detail}; {root}")
