"""The zygote: a clean interpreter that has imported, but never computed nor seen a byte of any artifact.

It is started as ``python -I`` with a scrubbed environment and forks, for each request of the parent, a
*warden*, which enters new namespaces and forks the *worker*. One OpenMP region before a fork would hang the
worker's next one: nothing is computed here.

``parent ─control─▶ zygote ─fork─▶ warden ─fork (new pid namespace)─▶ worker ◀─frames─▶ parent``

When the parent ends, however it ends, its pidfd wakes the zygote, which ends (while it imports, it looks for
itself, some fifty times a second); the parent-death signal takes the warden, and the warden's end the worker.

What most workers need is imported at once; what some need (a *group* of modules) when the first of them is asked
for, so that a plain pickle need not wait for the readers of thirty formats.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
from typing import NoReturn

from secureload.sandbox.launch import CONTROL
from secureload.sandbox.layers.namespaces import enter_namespaces
from secureload.sandbox.layers.privileges import die_with_parent
from secureload.sandbox.layers.user import UserMap

__all__ = ["main"]

_REQUEST_BYTES = 16
_PARENT_CHECK_MS = 500
_LOOK_SECONDS = 0.02


def main(parent: str, preload: str, groups: str) -> NoReturn:
    """Serve requests until the process ``parent`` is gone; import ``preload`` first, a list with commas.

    ``groups`` are lists as well, each behind its name and "=", with semicolons between them.

    A request is the name of a group, or "", with the descriptors of a worker, or with none where the group is only
    to be imported ahead.
    """
    gc.disable()  # what is imported is for good
    os.setsid()
    os.chdir("/")
    _close_inherited()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent_pid = int(parent)
    control = socket.socket(fileno=CONTROL)
    watch = _parent_pidfd(parent_pid)
    _import_all(preload.split(","), parent_pid)
    waiting = {
        name: modules.split(",")
        for name, _, modules in (part.partition("=") for part in groups.split(";"))
        if name
    }
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a warden that has ended leaves nothing to wait for
    poll = select.poll()
    poll.register(control, select.POLLIN)
    if watch is not None:
        poll.register(watch, select.POLLIN)
    while True:
        ready = {fd for fd, _ in poll.poll(_PARENT_CHECK_MS)}
        if os.getppid() != parent_pid or (watch is not None and watch in ready):
            os._exit(0)
        if control.fileno() in ready:
            _serve(control, waiting, parent_pid)


def _import_all(modules: list[str], parent_pid: int) -> None:
    _watch_parent(parent_pid)
    for module in modules:
        _preload(module)
    _watch_parent(0)
    # A collection in a worker would copy every page that it looks at.
    gc.freeze()


def _close_inherited() -> None:
    """Close what the parent had open, and its own parent: a worker gets what it is sent."""
    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208  # pathlib is slow to import
    except OSError:
        _close_all_but(CONTROL)
        return
    for number in numbers:
        if number > CONTROL:
            with contextlib.suppress(OSError):
                os.close(number)


def _parent_pidfd(parent_pid: int) -> int | None:
    try:
        watch = os.pidfd_open(parent_pid)
    except OSError:
        watch = None  # a kernel before 5.3: the poll's time-out looks at getppid() instead
    if os.getppid() != parent_pid:
        os._exit(0)
    return watch


def _preload(module: str) -> None:
    try:
        found = importlib.import_module(module)
        warm_up = getattr(found, "warm_up", None) if module.startswith("secureload.") else None
        if warm_up is not None:
            warm_up()
    except ImportError:
        return  # the worker imports what the model needs and says what is missing


def _watch_parent(parent_pid: int) -> None:
    """Look now and then whether the parent is still there, between two bytecodes; 0 ends that."""

    def look(_signal: int, _frame: object) -> None:
        if os.getppid() != parent_pid:
            os._exit(0)

    if not parent_pid:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)  # it may be on its way
        return
    signal.signal(signal.SIGALRM, look)
    signal.siginterrupt(signal.SIGALRM, False)  # what is read while something is imported is read on
    signal.setitimer(signal.ITIMER_REAL, _LOOK_SECONDS, _LOOK_SECONDS)


def _serve(control: socket.socket, groups: dict[str, list[str]], parent_pid: int) -> None:
    try:
        request, fds, _, _ = socket.recv_fds(control, _REQUEST_BYTES, 2)
    except OSError:
        os._exit(0)
    if not request or len(fds) not in (0, 2):
        os._exit(0)
    wanted = groups.pop(request.decode("ascii").strip(), None)
    if wanted:
        _import_all(wanted, parent_pid)
    if not fds:
        return
    users = UserMap() if os.geteuid() == 0 else None
    warden = os.fork()
    if warden == 0:
        try:
            control.close()
            gc.enable()
            worker_fd, leash_fd = fds
            _warden(worker_fd, leash_fd, users, whole=not groups.get("whole"))
        finally:
            os._exit(70)
    for fd in fds:
        os.close(fd)
    if users is not None:
        users.answer(warden)


def _warden(worker_fd: int, leash_fd: int, users: UserMap | None, *, whole: bool) -> NoReturn:
    """Fork the worker into new namespaces, tell its pid, and hold its leash."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    zygote = os.getppid()
    namespaces = enter_namespaces(users)
    pid = os.fork()
    if pid == 0:
        try:
            from secureload.sandbox.worker import run_worker

            _close_all_but(worker_fd)
            run_worker(worker_fd, namespaces, whole=whole)
        finally:
            os._exit(70)
    _close_all_but(leash_fd)
    die_with_parent()
    leash = socket.socket(fileno=leash_fd)
    if os.getppid() != zygote:
        os._exit(0)
    leash.send(b"pid %d" % pid)
    worker = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(leash, select.POLLIN)
    poll.register(worker, select.POLLIN)
    ready = {fd for fd, _ in poll.poll()}
    if worker not in ready:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        leash.send(b"end %d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _close_all_but(kept: int) -> None:
    os.closerange(3, kept)
    os.closerange(kept + 1, max(kept + 1, 4096))
