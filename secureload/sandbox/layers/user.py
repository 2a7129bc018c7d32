"""The user of a worker: nobody, where its caller is root (setresuid(2), user_namespaces(7)).

Without capabilities root is still the owner of most files, and the one user whose threads the kernel does not count.
A user namespace has a second user only if a process outside of it, with the privilege, writes its map: the zygote.
Where there is no such namespace, the caller needs capabilities over a process of another user, or it could not limit
its memory.
"""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import Final

from secureload.sandbox.layers.layer import LayerReport
from secureload.sandbox.layers.privileges import effective_capabilities

__all__ = ["NOBODY", "UserMap", "become_nobody"]

# The user that owns nothing, by convention and as the kernel's overflow id.
NOBODY: Final = 65534
_MAP: Final = f"0 0 1\n{NOBODY} {NOBODY} 1\n"
_ANSWER_SECONDS: Final = 5.0
# linux/capability.h: without these in the caller's own namespace it has no power over a process of another user.
_TO_LIMIT: Final = "CAP_SYS_RESOURCE"
_NEEDED: Final = {"CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7, _TO_LIMIT: 24}


class UserMap:
    """A question of a process that has entered a user namespace to the one that forked it: to write its map."""

    def __init__(self) -> None:
        """Prepare both ends; to be called before the fork."""
        self._inside, self._outside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def asked(self) -> bool:
        """Ask for the map, from inside; return whether root and nobody are in it."""
        with self._inside, contextlib.suppress(OSError):
            self._outside.close()
            self._inside.send(b"?")
            return self._inside.recv(1) == b"y"
        return False

    def forget(self) -> None:
        """Say, from inside, that there is nothing to map."""
        self._outside.close()
        self._inside.close()

    def answer(self, pid: int) -> None:
        """Write the map of the process ``pid`` if it asks, from outside."""
        self._inside.close()
        with self._outside, contextlib.suppress(OSError):
            self._outside.settimeout(_ANSWER_SECONDS)
            if self._outside.recv(1) == b"?":
                self._outside.send(b"y" if _written(pid) else b"n")


def _written(pid: int) -> bool:
    try:
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{pid}/{name}").write_text(_MAP)
    except OSError:
        return False
    return True


def become_nobody(*, relaxed: bool, in_user_namespace: bool, threads: int = 1) -> LayerReport:
    """Give root up for good, the capabilities of all ``threads`` with it; another user stays who it is.

    A ``relaxed`` process reads files later, which may be root's alone: it stays root, without capabilities. One with
    threads does not, whatever the caller can still limit then: capset(2) would leave the capabilities of the others.
    """
    user = os.geteuid()
    if user:
        return LayerReport("user", "enforced", f"user {user}, who is not root")
    if relaxed and (threads == 1 or in_user_namespace):
        return LayerReport("user", "relaxed", "root without capabilities, to read what root may")
    try:
        lacking = [] if in_user_namespace else _lacking()
        if threads > 1 and lacking == [_TO_LIMIT]:
            lacking = []
        if lacking:
            return LayerReport("user", "unavailable", f"root without capabilities: there is no {lacking[0]}")
        if not in_user_namespace:
            os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except OSError as error:
        return LayerReport("user", "unavailable", f"root without capabilities: {error.strerror}")
    return LayerReport("user", "enforced", f"nobody ({NOBODY}), although the caller is root")


def _lacking() -> list[str]:
    """Return which of the capabilities that it takes this process has not got."""
    effective = effective_capabilities()
    return [name for name, number in _NEEDED.items() if not effective >> number & 1]
