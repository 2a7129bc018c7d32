"""The battery against single layers, and against none: what shows that an attempt can get out at all.

Each attempt is made in a child of its own, with some of the layers applied to it. Attempts are *meant* to succeed
here, so root makes them in namespaces of mounts, IPC and host name that are thrown away (a bare ``mount`` mounts).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from secureload.sandbox.battery.attempt import Attempt, Scene, outcome
from secureload.sandbox.battery.catalog import ATTEMPTS, EARLY
from secureload.sandbox.battery.early import start_early_thread
from secureload.sandbox.battery.memory import BOMB_BYTES, prepare_code
from secureload.sandbox.kernel import KernelError, raw_syscall
from secureload.sandbox.layers.landlock import apply_landlock
from secureload.sandbox.layers.namespaces import empty_root, enter_namespaces
from secureload.sandbox.layers.privileges import (
    die_with_parent,
    drop_capabilities,
    forbid_new_privileges,
    hide_memory,
)
from secureload.sandbox.layers.rlimits import ResourceLimits, apply_rlimits
from secureload.sandbox.layers.seccomp import install_filter

__all__ = ["COLUMNS", "THROWN_AWAY", "measure_column", "throw_away_namespaces"]

# The layers of each column; that of all of them is a real worker.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    "bare": (),
    "limits": ("limits",),
    "privileges": ("privileges",),
    "landlock": ("landlock",),
    "namespaces": ("namespaces",),
    "seccomp": ("seccomp",),
    "all but seccomp": ("interpreter", "namespaces", "limits", "privileges", "landlock"),
})  # fmt: skip
THROWN_AWAY: Final = 0x00020000 | 0x08000000 | 0x04000000  # CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUTS
_MS_REC_PRIVATE = 0x4000 | 0x40000
_MNT_DETACH = 2
_SECONDS = 10.0
_LIMITS: Final = ResourceLimits(memory_bytes=BOMB_BYTES // 2, open_files=64, threads=0, cpu_seconds=1)
_ANSWER_BYTES = 64


def throw_away_namespaces() -> None:
    """Leave the host's mounts, IPC and host name for good, so that nothing that is done to them stays.

    Raises:
        KernelError: this process may not; then no column may be measured by root.
    """
    raw_syscall("unshare", THROWN_AWAY)
    raw_syscall("mount", b"none", b"/", 0, _MS_REC_PRIVATE, 0)


def measure_column(
    layers: tuple[str, ...], scene: Scene, told: Callable[[], None] = lambda: None
) -> dict[str, str]:
    """Return what became of each attempt with ``layers``: "through", how it was stopped, or "no layer"."""
    found = {}
    # What a worker has open: an artifact (here not sealed), and a wire.
    artifact = os.memfd_create("secureload-artifact", os.MFD_ALLOW_SEALING)
    wire = socket.socketpair()
    try:
        for attempt in ATTEMPTS.values():
            os.ftruncate(artifact, 4096)
            found[attempt.name] = _in_a_child(attempt, layers, scene)
            _put_right(scene)
            told()
    finally:
        os.close(artifact)
        for end in wire:
            end.close()
    return found


def _in_a_child(attempt: Attempt, layers: tuple[str, ...], scene: Scene) -> str:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            _attempt(attempt, layers, scene, writer)
        finally:
            os._exit(70)
    os.close(writer)
    text = _answer(reader, child)
    os.close(reader)
    _, status = os.waitpid(child, 0)
    if text:
        return text
    code = os.waitstatus_to_exitcode(status)
    return "killed" if code < 0 else _KILLED.get(code, "killed")


_KILLED: Final = {70: "failed"}


def _answer(reader: int, child: int) -> str:
    """Read what the child says; the one that does not end is ended."""
    text, end = b"", time.monotonic() + _SECONDS
    while True:
        ready, _, _ = select.select([reader], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            return "held"
        piece = os.read(reader, _ANSWER_BYTES)
        if not piece:
            return text.decode("ascii", "replace")
        text += piece


def _attempt(attempt: Attempt, layers: tuple[str, ...], scene: Scene, writer: int) -> None:
    missing = _confine(attempt, layers, writer)
    os.write(writer, (missing or outcome(attempt, scene)).encode())
    os._exit(0)


def _confine(attempt: Attempt, layers: tuple[str, ...], writer: int) -> str:
    """Apply the layers to this process; return "no layer" where the kernel has not got one of them."""
    if "interpreter" in layers:
        os.environ.clear()
        ctypes.CDLL(None).clearenv()
    if "namespaces" in layers:
        entered = enter_namespaces()
        if not entered.enforced:
            return "no layer"
        inner = os.fork()  # a namespace of processes begins with a child
        if inner:
            os.close(writer)
            _, status = os.waitpid(inner, 0)
            os._exit(0 if status == 0 else 71)
        die_with_parent()
    # Before the root is emptied: they are counted from what /proc says.
    if "limits" in layers and not apply_rlimits(_LIMITS).enforced:
        return "no layer"
    if "namespaces" in layers and not empty_root(entered).enforced:
        return "no layer"
    prepare_code()
    if attempt.name == EARLY:
        start_early_thread()
    if "privileges" in layers:
        drop_capabilities()
        hide_memory()
    if {"privileges", "landlock", "seccomp"} & set(layers):
        forbid_new_privileges()
    if "landlock" in layers and not apply_landlock().enforced:
        return "no layer"
    if "seccomp" in layers and not install_filter().enforced:
        return "no layer"
    return ""


def _put_right(scene: Scene) -> None:
    """Undo what an attempt has done to the canaries."""
    with contextlib.suppress(KernelError):
        while os.geteuid() == 0:
            raw_syscall("umount2", os.fsencode(scene.folder), _MNT_DETACH)
    for left in scene.folder.iterdir():
        if left.is_dir() and not left.is_symlink():
            left.rmdir()
        else:
            left.unlink()
    scene.canary.write_bytes(b"here")
    scene.canary.chmod(0o666)
    os.kill(scene.victim, signal.SIGCONT)
