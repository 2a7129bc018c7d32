"""Resource limits (getrlimit(2)).

``RLIMIT_DATA`` counts the memory: libraries reserve address space that they never touch. It counts neither shared
mappings nor such as grow like a stack, and the system call filter refuses to make any. Nor does it count what can
only be read, whose tables of pages take memory all the same: of addresses there is a large but bounded space.
"""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Final

from secureload.sandbox.layers.layer import LayerReport
from secureload.values import dataclass

__all__ = ["ResourceLimits", "apply_rlimits"]

# Addresses beyond what is mapped and twice the memory: the tables of that many take 128 MiB at most.
_ADDRESSES_BYTES: Final = 64 << 30
# The stack of the first thread, where the caller's is not bounded.
_STACK_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """What one worker may use.

    ``cpu_seconds`` 0 means unlimited: a service predicts for months. ``threads`` 0 means unlimited too: the
    kernel counts them per user, host-wide, except inside a user namespace of the worker's own.
    """

    memory_bytes: int
    open_files: int
    threads: int
    cpu_seconds: int


def apply_rlimits(limits: ResourceLimits) -> LayerReport:
    """Lower the hard and soft limits of this process; they cannot be raised again."""
    wanted = {
        resource.RLIMIT_DATA: limits.memory_bytes,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    if limits.cpu_seconds:
        wanted[resource.RLIMIT_CPU] = limits.cpu_seconds
    if limits.threads:
        wanted[resource.RLIMIT_NPROC] = limits.threads
    try:
        wanted[resource.RLIMIT_AS] = _mapped_bytes() + 2 * limits.memory_bytes + _ADDRESSES_BYTES
        stack, _ = resource.getrlimit(resource.RLIMIT_STACK)
        wanted[resource.RLIMIT_STACK] = (
            _STACK_BYTES if stack == resource.RLIM_INFINITY else min(stack, _STACK_BYTES)
        )
        for which, value in wanted.items():
            _, hard = resource.getrlimit(which)
            bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(which, (bound, bound))
    except (OSError, ValueError) as error:
        return LayerReport("resource-limits", "unavailable", str(error))
    cpu = f", {limits.cpu_seconds} s of CPU" if limits.cpu_seconds else ""
    memory = f"{limits.memory_bytes >> 20:,} MiB of memory"
    detail = f"{memory}, {limits.open_files} descriptors, no file growth, no core{cpu}"
    return LayerReport("resource-limits", "enforced", detail)


def _mapped_bytes() -> int:
    """Return the size of this process's address space (proc(5))."""
    pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    return pages * resource.getpagesize()
