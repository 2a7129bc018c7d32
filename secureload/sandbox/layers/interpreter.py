"""A clean interpreter: isolated, with an environment of our own, in a session and process group of its own.

The zygote is started that way (``python -I``); the worker, forked from it, leaves its session: no signal to a group,
no terminal, reaches it or comes from it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from secureload.sandbox.layers.layer import LayerReport

__all__ = ["ENVIRONMENT", "leave_session"]

# What a worker is started with; anything else is the caller's. (What libraries set later is their own.)
ENVIRONMENT = frozenset(
    {
        "PATH",
        "LC_ALL",
        "LC_CTYPE",
        "HOME",
        "LD_LIBRARY_PATH",
        "ARROW_DEFAULT_MEMORY_POOL",
    }
    | {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"}
    | {"JE_ARROW_MALLOC_CONF", "_RJEM_MALLOC_CONF"}
)
_MOST_DESCRIPTORS = 8  # three standard ones, the wire, /proc/self/fd itself, and what libraries keep open


def leave_session() -> LayerReport:
    """Start a session and process group, and return how clean this interpreter is."""
    with contextlib.suppress(PermissionError):  # it leads a session already
        os.setsid()
    wrong = []
    if not sys.flags.isolated:
        wrong.append("it was not started with -I")
    strange = sorted(_started_with() - ENVIRONMENT)
    if strange:
        wrong.append(f"its environment has {', '.join(strange[:5])}")
    if os.getsid(0) != os.getpid() or os.getpgid(0) != os.getpid():
        wrong.append("it shares its session")
    descriptors = len(list(Path("/proc/self/fd").iterdir())) - 1
    if descriptors > _MOST_DESCRIPTORS:
        wrong.append(f"{descriptors} descriptors are open")
    if wrong:
        return LayerReport("interpreter", "unavailable", "; ".join(wrong))
    detail = f"isolated, own environment, session and process group, {descriptors} descriptors"
    return LayerReport("interpreter", "enforced", detail)


def _started_with() -> set[str]:
    """Return the names in the block of memory that execve(2) was given."""
    block = Path("/proc/self/environ").read_bytes()
    return {os.fsdecode(entry.split(b"=")[0]) for entry in block.split(b"\0") if entry}
