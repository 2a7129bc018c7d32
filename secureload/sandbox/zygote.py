"""The zygote: a clean interpreter that has imported, but never computed nor seen a byte of any artifact.

It is started as ``python -I`` with a scrubbed environment and forks, for each request of the parent, a
*warden*, which enters new namespaces and forks the *worker*. One OpenMP region before a fork would hang the
worker's next one: nothing is computed here.

``parent ─control─▶ zygote ─fork─▶ warden ─fork (new pid namespace)─▶ worker ◀─frames─▶ parent``

When the parent ends, however it ends, its pidfd wakes the zygote, which ends; the parent-death signal takes
the warden, and the warden's end the worker.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
from typing import NoReturn

from secureload.sandbox.layers.namespaces import enter_namespaces
from secureload.sandbox.layers.privileges import die_with_parent

__all__ = ["main"]

_REQUEST_BYTES = 16
_PARENT_CHECK_MS = 500


def main(control_fd: int, parent_pid: int, preload: list[str]) -> NoReturn:
    """Serve requests on ``control_fd`` until the parent is gone. Each request carries two descriptors."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    control = socket.socket(fileno=control_fd)
    watch = _parent_pidfd(parent_pid)
    for module in preload:
        _preload(module)
    # What was imported is for good: a collection in a worker would copy every page that it looks at.
    gc.collect()
    gc.freeze()
    poll = select.poll()
    poll.register(control, select.POLLIN)
    if watch is not None:
        poll.register(watch, select.POLLIN)
    while True:
        ready = {fd for fd, _ in poll.poll(_PARENT_CHECK_MS)}
        _reap()
        if os.getppid() != parent_pid or (watch is not None and watch in ready):
            os._exit(0)
        if control.fileno() in ready:
            _serve(control)


def _parent_pidfd(parent_pid: int) -> int | None:
    try:
        watch = os.pidfd_open(parent_pid)
    except OSError:
        return None  # a kernel before 5.3: the poll's time-out looks at getppid() instead
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


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _serve(control: socket.socket) -> None:
    try:
        request, fds, _, _ = socket.recv_fds(control, _REQUEST_BYTES, 2)
    except OSError:
        os._exit(0)
    if not request or len(fds) != 2:
        os._exit(0)
    if os.fork() == 0:
        try:
            control.close()
            _warden(*fds)
        finally:
            os._exit(70)
    for fd in fds:
        os.close(fd)


def _warden(worker_fd: int, leash_fd: int) -> NoReturn:
    """Fork the worker into new namespaces, tell its pid, and hold its leash."""
    zygote = os.getppid()
    namespaces = enter_namespaces()
    pid = os.fork()
    if pid == 0:
        try:
            from secureload.sandbox.worker import run_worker

            _close_all_but(worker_fd)
            run_worker(worker_fd, namespaces)
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


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split(",") if sys.argv[3] else [])
