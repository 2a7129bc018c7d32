"""Processes: new ones in every way, programs, signals to others, their memory, their limits, priorities, threads."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from secureload.sandbox.battery.attempt import Attempt, Scene, call, fatal, free, guarded, reaching

__all__ = ["ATTEMPTS"]

_THREAD_FLAGS = 0x100 | 0x800 | 0x10000  # CLONE_VM, CLONE_SIGHAND, CLONE_THREAD
_SIGCHLD = 17
_NOFILE, _MSGQUEUE = 7, 12
_MORE = (ctypes.c_uint64 * 2)(1 << 20, 1 << 20)  # than the 819,200 bytes of queues that a system permits
_MOST_THREADS = 400


def _new(child: int) -> None:
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _run(execute: Callable[[], object]) -> None:
    """Run a program in a child; OSError where it did not start."""
    child = os.fork()
    if child == 0:
        try:
            execute()
        finally:
            os._exit(1)
    if os.waitpid(child, 0)[1]:
        raise OSError(errno.EACCES, "the program did not start")


def _execute_memory(_scene: Scene) -> None:
    """Run a program that no file holds."""
    program = os.memfd_create("x", 0)
    os.write(program, Path("/bin/true").read_bytes())
    _run(lambda: call("execveat", program, b"", 0, 0, 0x1000))


def _shell(_scene: Scene) -> None:
    os.popen("true").close()  # noqa: S605, S607  # the attempt


def _stop(scene: Scene) -> None:
    os.kill(scene.victim, signal.SIGSTOP)
    os.kill(scene.victim, signal.SIGCONT)


def _start_threads(_scene: Scene) -> None:
    """Start more threads than a worker may have."""
    stop = threading.Event()
    try:
        for _ in range(_MOST_THREADS):
            threading.Thread(target=stop.wait, daemon=True).start()
    except RuntimeError as error:
        raise OSError(errno.EAGAIN, str(error)) from error
    finally:
        stop.set()


def _execute(_scene: Scene) -> None:
    _run(lambda: os.execv("/bin/true", ["true"]))  # noqa: S606  # the attempt


ATTEMPTS: tuple[Attempt, ...] = (
    free("processes: fork", lambda s: _new(os.fork())),
    free("processes: clone", lambda s: _new(call("clone", _SIGCHLD, 0, 0, 0, 0))),
    guarded("processes: clone3", lambda s: _new(call("clone3", (ctypes.c_uint64 * 11)(0, 0, 0, 0, _SIGCHLD), 88))),
    guarded("processes: vfork", lambda s: _new(call("clone", 0x4000 | _SIGCHLD, 0, 0, 0, 0))),
    free("processes: spawn", lambda s: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)),
    free("processes: execute", _execute),
    free("processes: execute what is in memory", _execute_memory),
    guarded("processes: execute by descriptor", reaching("execveat", -1, b"", 0, 0, 0x1000)),
    free("processes: shell", _shell),
    guarded("processes: a thread in a user namespace", reaching("clone", _THREAD_FLAGS | 0x10000000, 0, 0, 0, 0)),
    guarded("processes: a thread in a time namespace", reaching("clone", _THREAD_FLAGS | 0x80, 0, 0, 0, 0)),
    # Two of its flags exclude each other: the kernel starts nothing.
    guarded("processes: a thread with its own descriptors", reaching(
        "clone", _THREAD_FLAGS | 0x1000 | 0x100000, 0, 0, 0, 0)),
    free("processes: look for the victim", lambda s: os.kill(s.victim, 0)),
    free("processes: stop the victim", _stop),
    free("processes: look for anyone", lambda s: os.kill(-1, 0)),
    free("processes: signal the group", lambda s: os.kill(0, 0)),
    free("processes: signal a thread of it", lambda s: call("tgkill", s.victim, s.victim, 0)),
    free("processes: tkill", lambda s: call("tkill", s.victim, 0)),
    free("processes: get hold of it", lambda s: call("pidfd_open", s.victim, 0)),
    guarded("processes: signal by descriptor", reaching("pidfd_send_signal", -1, 0, 0, 0)),
    guarded("processes: queue a signal", reaching(
        "rt_sigqueueinfo", 1 << 22, 0, ctypes.create_string_buffer(bytes(8) + b"\xff" * 4, 128))),
    guarded("processes: take a descriptor", reaching("pidfd_getfd", -1, 0, 0)),
    guarded("processes: compare", lambda s: call("kcmp", os.getpid(), s.victim, 0, 0, 0)),
    guarded("processes: capabilities", lambda s: call(
        "capset", ctypes.create_string_buffer(b"\x22\x05\x08\x20", 8), ctypes.create_string_buffer(24))),
    free("processes: limits read the old way", lambda s: call("getrlimit", _NOFILE, ctypes.create_string_buffer(16))),
    free("processes: limits of the victim", lambda s: call(
        "prlimit64", s.victim, _NOFILE, 0, ctypes.create_string_buffer(16))),
    free("processes: limits of the victim changed", lambda s: call(
        "prlimit64", s.victim, _NOFILE, (ctypes.c_uint64 * 2)(8, 8), 0)),
    free("processes: own limits", lambda s: call(
        "prlimit64", 0, _NOFILE, ctypes.create_string_buffer(b"\x10" + bytes(7) + b"\x10" + bytes(7), 16), 0)),
    guarded("processes: limits raised", lambda s: call(
        "prlimit64", 0, _MSGQUEUE, _MORE, 0)),
    free("processes: affinity", lambda s: os.sched_setaffinity(0, os.sched_getaffinity(0))),
    free("processes: scheduling", lambda s: call("sched_setscheduler", 0, 0, ctypes.byref(ctypes.c_int(0)))),
    guarded("processes: real time", lambda s: call("sched_setscheduler", 0, 1, ctypes.byref(ctypes.c_int(1)))),
    free("processes: priority", lambda s: os.nice(0)),
    guarded("processes: higher priority", lambda s: os.nice(-5)),
    free("processes: session", lambda s: os.setsid()),
    free("processes: outlive the parent", lambda s: call("prctl", 1, 0, 0, 0, 0)),
    free("processes: adopt", lambda s: call("prctl", 36, 1, 0, 0, 0)),
    free("processes: readable again", lambda s: call("prctl", 4, 1, 0, 0, 0)),
    guarded("processes: let anyone trace", lambda s: call("prctl", 0x59616D61, -1, 0, 0, 0)),
    free("processes: alarm", lambda s: call("alarm", 0)),
    free("processes: saved user", lambda s: call(
        "getresuid", *(ctypes.byref(ctypes.c_uint32()) for _ in range(3)))),
    free("processes: user", lambda s: os.setuid(os.getuid())),
    guarded("processes: groups", lambda s: os.setgroups([])),
    fatal("processes: trace", lambda s: call("ptrace", 0, 0, 0, 0)),
    fatal("processes: trace the victim", lambda s: call("ptrace", 0x4206, s.victim, 0, 0)),
    fatal("processes: read the victim's memory", lambda s: call("process_vm_readv", s.victim, 0, 0, 0, 0, 0)),
    fatal("processes: write the victim's memory", lambda s: call("process_vm_writev", s.victim, 0, 0, 0, 0, 0)),
    free("limits: thread flood", _start_threads),
)  # fmt: skip
