"""The kernel's surface: what computing never needs, and where its bugs have been."""

from __future__ import annotations

import ctypes
import os

from secureload.sandbox.battery.attempt import (
    Attempt,
    Scene,
    call,
    fatal,
    first_file,
    free,
    guarded,
    reaching,
)

__all__ = ["ATTEMPTS"]

_AT_FDCWD = -100
_MS_BIND = 4096


def _mount(scene: Scene) -> object:
    """Mount over the canary's folder: as root this happens, in a mount namespace that is thrown away."""
    return call("mount", b"tmpfs", os.fsencode(scene.folder), b"tmpfs", 0, b"size=4k")


ATTEMPTS: tuple[Attempt, ...] = (
    free("kernel: event", lambda s: call("eventfd2", 0, 0)),
    free("kernel: epoll", lambda s: call("epoll_create1", 0)),
    free("kernel: timer descriptor", lambda s: call("timerfd_create", 0, 0)),
    free("kernel: timer", lambda s: call("timer_create", 0, 0, ctypes.byref(ctypes.c_int()))),
    free("kernel: signal descriptor", lambda s: call("signalfd4", -1, ctypes.create_string_buffer(8), 8, 0)),
    free("kernel: semaphores", lambda s: call("semctl", call("semget", 0, 1, 0o1600), 0, 0, 0)),
    free("kernel: message queue", lambda s: call("msgctl", call("msgget", 0, 0o1600), 0, 0)),
    guarded("kernel: POSIX message queue", reaching("mq_open", b"secureload", 0o2, 0, 0)),
    free("kernel: asynchronous input and output", lambda s: call("io_setup", 1, ctypes.byref(ctypes.c_ulong()))),
    free("kernel: flags of a descriptor", lambda s: call("fcntl", 0, 4, 2048)),
    free("kernel: owner of a descriptor", lambda s: call("fcntl", 0, 10, 0)),
    free("kernel: copy over a descriptor", lambda s: call("dup3", 0, 60, 0)),
    free("kernel: size of a pipe", lambda s: call("fcntl", os.pipe()[0], 1031, 1 << 16)),
    free("kernel: splice", lambda s: call("tee", os.pipe()[0], os.pipe()[1], 0, 2)),
    free("kernel: close many", lambda s: call("close_range", 900, 1000, 0)),
    guarded("kernel: copy a range", reaching("copy_file_range", -1, 0, -1, 0, 1, 0)),
    guarded("kernel: wait for many locks", reaching("futex_waitv", 0, 0, 0, 0, 0)),
    guarded("kernel: arch_prctl", lambda s: call("arch_prctl", 0x1003, ctypes.create_string_buffer(8))),
    guarded("kernel: local descriptor table", lambda s: call("modify_ldt", 0, ctypes.create_string_buffer(8), 8)),
    guarded("kernel: ports", lambda s: call("iopl", 3)),
    free("kernel: load", lambda s: call("times", ctypes.create_string_buffer(64))),
    guarded("kernel: keys", reaching("keyctl", 0, -3, 0)),
    guarded("kernel: add a key", lambda s: call("add_key", b"user", b"secureload", b"x", 1, -2)),
    guarded("kernel: log", lambda s: call("syslog", 10, 0, 0)),
    guarded("kernel: open a tree", lambda s: call("open_tree", _AT_FDCWD, b"/", 1)),
    guarded("kernel: new file system", lambda s: call("fsopen", b"tmpfs", 0)),
    guarded("kernel: move a mount", reaching("move_mount", -1, b"", -1, b"", 0)),
    guarded("kernel: mount attributes", reaching("mount_setattr", _AT_FDCWD, b"/", 0, 0, 0)),
    guarded("kernel: quotas", reaching("quotactl", 0x80000100, 0, 0, 0)),
    guarded("kernel: swap", reaching("swapon", b"/nonexistent/secureload", 0)),
    guarded("kernel: restart", reaching("reboot", 0, 0, 0, 0)),
    guarded("kernel: host name", lambda s: call("sethostname", b"secureload", 10)),
    free("kernel: read the clock's rate", lambda s: call("clock_adjtime", 0, ctypes.create_string_buffer(208))),
    guarded("kernel: set the clock", lambda s: call("settimeofday", 0, 0)),
    guarded("kernel: type into a terminal", lambda s: call("ioctl", 0, 0x5412, b"x")),
    guarded("kernel: paste into a terminal", lambda s: call("ioctl", 0, 0x541C, b"\2")),
    guarded("kernel: seals", lambda s: call("fcntl", first_file(), 1033, 0)),
    guarded("kernel: another ruleset", lambda s: call("landlock_create_ruleset", 0, 0, 1)),
    free("kernel: filters", lambda s: call("seccomp", 2, 0, ctypes.byref(ctypes.c_uint32(0x7FFF0000)))),
    guarded("kernel: a ruleset of its own in force", reaching("landlock_restrict_self", -1, 0)),
    guarded("kernel: answer the calls of others", reaching("seccomp", 1, 8, 0)),
    guarded("kernel: mounts", reaching("listmount", 0, 0, 0, 0)),
    guarded("kernel: what a mount is", reaching("statmount", 0, 0, 0, 0)),
    guarded("kernel: open a tree with attributes", reaching("open_tree_attr", _AT_FDCWD, b"/", 0, 0, 0)),
    guarded("kernel: security attributes", reaching("lsm_get_self_attr", 100, 0, 0, 0)),
    guarded("kernel: quotas of a folder", reaching("quotactl_fd", -1, 0, 0, 0)),
    guarded("kernel: calls handed to a handler", lambda s: call("prctl", 59, 0, 0, 0, 0)),
    guarded("kernel: no such call", lambda s: _no_such_call()),
    fatal("kernel: io_uring", reaching("io_uring_setup", 1, ctypes.create_string_buffer(120))),
    fatal("kernel: bpf", reaching("bpf", 0, 0, 0)),
    fatal("kernel: perf", reaching("perf_event_open", ctypes.create_string_buffer(128), 0, -1, -1, 0)),
    fatal("kernel: mount", _mount),
    fatal("kernel: bind", lambda s: call(
        "mount", os.fsencode(s.folder), os.fsencode(s.folder), 0, _MS_BIND, 0)),
    fatal("kernel: unmount", reaching("umount2", b"/nonexistent/secureload", 0)),
    fatal("kernel: change root", lambda s: call("chroot", b"/")),
    fatal("kernel: new root", reaching("pivot_root", b"/", b"/")),
    fatal("kernel: user namespace", lambda s: call("unshare", 0x10000000)),
    fatal("kernel: namespaces", lambda s: call("unshare", 0x00020000)),
    fatal("kernel: another's namespace", reaching("setns", -1, 0)),
    fatal("kernel: a module", reaching("finit_module", -1, b"", 0)),
    fatal("kernel: remove a module", reaching("delete_module", b"secureload_none", 0)),
    fatal("kernel: kexec", reaching("kexec_load", 0, 1 << 20, 0, 0)),
)  # fmt: skip


def _no_such_call() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    ctypes.set_errno(0)
    if libc.syscall(ctypes.c_long(999)) == -1:
        raise OSError(ctypes.get_errno(), "no such call")
