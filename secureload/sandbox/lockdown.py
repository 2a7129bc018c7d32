"""Close every door behind the trusted imports, in the order that works, and prove it from inside.

The order: resource limits, an empty root, capabilities and the dumpable flag, no_new_privs, Landlock (which
binds only the calling thread, so there must be one), and the system call filter for all threads. Only then
may a byte of the artifact be read.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from secureload.sandbox.kernel import KernelError
from secureload.sandbox.layers.landlock import apply_landlock
from secureload.sandbox.layers.layer import LayerReport
from secureload.sandbox.layers.namespaces import empty_root
from secureload.sandbox.layers.privileges import (
    die_with_parent,
    drop_capabilities,
    forbid_new_privileges,
    hide_memory,
)
from secureload.sandbox.layers.rlimits import ResourceLimits, apply_rlimits
from secureload.sandbox.layers.seccomp import install_filter

__all__ = ["lock_down", "self_test"]


def lock_down(limits: ResourceLimits, namespaces: LayerReport) -> tuple[LayerReport, ...]:
    """Apply every layer to this process and return what each really enforced; there is no way back."""
    threads = len(list(Path("/proc/self/task").iterdir()))
    resources = apply_rlimits(limits)
    root = empty_root(namespaces)
    capabilities = drop_capabilities()
    hide_memory()
    die_with_parent()
    privileges = forbid_new_privileges()
    landlock = apply_landlock()
    if threads > 1:
        # It holds for this thread; the filter below is for all of them.
        landlock = LayerReport(
            "landlock", "unavailable", f"a library started {threads - 1} threads before it"
        )
    return (privileges, resources, capabilities, root, landlock, install_filter())


def self_test() -> tuple[str, ...]:
    """Try what must fail now; return the names of the attempts that did not fail."""
    return tuple(name for name, attempt in _FORBIDDEN.items() if not _refused(attempt))


def _refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (OSError, KernelError):
        return True
    return False


_FORBIDDEN: dict[str, Callable[[], object]] = {
    "open a file": lambda: os.open("/proc/self/status", os.O_RDONLY),
    "list the root": lambda: list(Path("/").iterdir()),
    "make a socket": socket.socket,
    "start a process": os.fork,
    "make a shared file": lambda: os.memfd_create("x"),
    "signal the parent": lambda: os.kill(os.getppid(), 0),
}
