"""Close every door behind the trusted imports, in the order that works, and prove it from inside.

The order: a session of its own, resource limits, an empty root, the user, capabilities and the dumpable flag,
no_new_privs, Landlock (which binds only the calling thread, so there must be one), and the system call filter for all
threads. Only then may a byte of the artifact be read.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from secureload.sandbox.kernel import KernelError
from secureload.sandbox.layers.interpreter import leave_session
from secureload.sandbox.layers.landlock import apply_landlock
from secureload.sandbox.layers.layer import LayerReport, layers_behind
from secureload.sandbox.layers.library_root import library_places
from secureload.sandbox.layers.namespaces import empty_root, has_user_namespace
from secureload.sandbox.layers.privileges import (
    die_with_parent,
    drop_bounding_set,
    drop_capabilities,
    forbid_new_privileges,
    hide_memory,
)
from secureload.sandbox.layers.rlimits import ResourceLimits, apply_rlimits
from secureload.sandbox.layers.seccomp import install_filter
from secureload.sandbox.layers.user import become_nobody

__all__ = ["lock_down", "self_test"]


def lock_down(
    limits: ResourceLimits, namespaces: LayerReport, *, relaxed: bool = False, readable: tuple[str, ...] = ()
) -> tuple[LayerReport, ...]:
    """Apply every layer to this process and return what each really enforced; there is no way back.

    A ``relaxed`` process can read libraries and what is ``readable`` afterwards, by paths.
    """
    places = library_places(readable) if relaxed else ()
    threads = len(list(Path("/proc/self/task").iterdir()))
    interpreter = leave_session()
    resources = apply_rlimits(limits)
    root = empty_root(namespaces, places)
    bounding = drop_bounding_set()
    was_root, in_user_namespace = os.geteuid() == 0, has_user_namespace(namespaces)
    user = become_nobody(relaxed=relaxed, in_user_namespace=in_user_namespace, threads=threads)
    capabilities = drop_capabilities(bounding)
    if threads > 1 and capabilities.enforced and in_user_namespace and not (was_root and user.enforced):
        others = f"{threads - 1} threads of a library keep theirs, over an empty user namespace"
        capabilities = LayerReport("capabilities", "enforced", f"{capabilities.detail}; {others}")
    memory = hide_memory()
    parent = die_with_parent()
    privileges = forbid_new_privileges()
    landlock = apply_landlock(places)
    if threads > 1:
        # It holds for this thread; the filter below is for all of them.
        landlock = LayerReport(
            "landlock", "unavailable", f"a library started {threads - 1} threads before it"
        )
    seccomp = install_filter(relaxed=relaxed)
    return (interpreter, root, resources, user, capabilities, memory, parent, privileges, landlock, seccomp)


def self_test(reports: tuple[LayerReport, ...], *, relaxed: bool = False) -> tuple[str, ...]:
    """Try what must fail now; return the names of the attempts that did not fail."""
    attempts = dict(_FORBIDDEN)
    if not relaxed:
        attempts |= _FORBIDDEN_PATHS
    elif layers_behind(reports):
        attempts |= _FORBIDDEN_FILES
    return tuple(name for name, attempt in attempts.items() if not _refused(attempt))


def _refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (OSError, KernelError):
        return True
    return False


def _start_process() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


_FORBIDDEN: dict[str, Callable[[], object]] = {
    "write a file": lambda: os.open("/dev/null", os.O_WRONLY),
    "make a socket": socket.socket,
    "start a process": _start_process,
    "make a shared file": lambda: os.memfd_create("x"),
    "signal the parent": lambda: os.kill(os.getppid(), 0),
}
_FORBIDDEN_FILES: dict[str, Callable[[], object]] = {
    "open a file": lambda: os.open("/proc/self/status", os.O_RDONLY),
    "read the list of users": lambda: os.open("/etc/passwd", os.O_RDONLY),
}
_FORBIDDEN_PATHS: dict[str, Callable[[], object]] = {
    **_FORBIDDEN_FILES,
    "list the root": lambda: list(Path("/").iterdir()),
}
