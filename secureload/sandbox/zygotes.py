"""The zygotes of this process: started on first use, one a role, and gone with it."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import socket
import threading

from secureload.errors import SandboxError
from secureload.sandbox.launch import launch, taken
from secureload.sandbox.platforms import missing_platform
from secureload.sandbox.proof import ConfinementMissingError

__all__ = ["close_zygotes", "start_and_wait", "zygote_for"]

# What the warden says of the worker that it has forked.
_ANSWER_BYTES = 64
# fickling is a tenth of what the tracer's zygote has imported anyway: a second one would take as long again.
_FORKED_FROM = {"fickle": "trace", "convert": "load"}


class _Zygote:
    """One zygote process of this process; see :mod:`secureload.sandbox.zygote`."""

    def __init__(self, role: str) -> None:
        self.owner = os.getpid()
        self._user = os.geteuid()
        self._lock = threading.Lock()
        self._pid, control, _, _ = taken(role) or launch(role)
        self._ended = False
        self._control = socket.socket(fileno=control)

    @property
    def alive(self) -> bool:
        """Whether it belongs to this process and its user, and runs."""
        same = self.owner == os.getpid() and self._user == os.geteuid()
        return same and not self._has_ended()

    def _has_ended(self, *, wait: bool = False) -> bool:
        if not self._ended:
            try:
                self._ended = os.waitpid(self._pid, 0 if wait else os.WNOHANG)[0] == self._pid
            except ChildProcessError:
                self._ended = True  # somebody else has waited for it
        return self._ended

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._pid

    def spawn(self, group: str = "") -> tuple[socket.socket, socket.socket]:
        """Ask for a worker that needs ``group``; return our ends of its socket and of its leash."""
        try:
            ours, theirs = socket.socketpair()
            try:
                leash, held = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            except OSError:
                ours.close()
                theirs.close()
                raise
        except OSError as error:
            raise SandboxError(f"the sandbox cannot be started: {error.strerror}") from error
        with theirs, held:
            try:
                with self._lock:
                    socket.send_fds(
                        self._control, [group.encode("ascii") or b" "], [theirs.fileno(), held.fileno()]
                    )
            except OSError as error:
                ours.close()
                leash.close()
                raise SandboxError("the sandbox's zygote is gone", hint="try again") from error
        return ours, leash

    def close(self) -> None:
        """End it and everything that it forked."""
        self._control.close()
        if self.owner != os.getpid() or self._has_ended():
            return  # not our child, or gone: nothing to wait for
        # It may be in the middle of its imports; what it forked ends by the parent-death signal.
        with contextlib.suppress(OSError):  # this process may have given up the user that it was started as
            os.kill(self._pid, signal.SIGKILL)
            self._has_ended(wait=True)


_zygotes: dict[str, _Zygote] = {}
_zygotes_lock = threading.Lock()


def zygote_for(role: str) -> _Zygote:
    """Return this process's zygote for ``role``, started on first use.

    Raises:
        SandboxError: it cannot be started here.
    """
    missing = missing_platform()
    if missing is not None:
        raise ConfinementMissingError(
            f"there is no sandbox on {missing.name} yet (layer {missing.layer!r}): {missing.reason}",
            hint=missing.advice,
            layer=missing.layer,
        )
    role = _FORKED_FROM.get(role, role)
    with _zygotes_lock:
        found = _zygotes.get(role)
        if found is None or not found.alive:
            if found is not None:
                found.close()
            try:
                found = _Zygote(role)
            except OSError as error:
                raise SandboxError(f"the sandbox cannot be started: {error.strerror}") from error
            _zygotes[role] = found
        return found


def start_and_wait(role: str, seconds: float) -> None:
    """Start the zygote for ``role`` if there is none yet, and wait until it has imported what it will.

    Raises:
        SandboxError: it cannot be started here, or is not ready within ``seconds``.
    """
    wire, leash = zygote_for(role).spawn()
    with wire, leash:
        leash.settimeout(seconds)
        try:
            answer = leash.recv(_ANSWER_BYTES)
        except TimeoutError as error:
            raise SandboxError(f"the sandbox was not ready within {seconds:g} s") from error
        except OSError as error:
            raise SandboxError(f"the sandbox did not start: {error.strerror}") from error
        if not answer:
            raise SandboxError("the sandbox did not start", hint="run: secureload doctor")


@atexit.register
def close_zygotes() -> None:
    """End the zygotes of this process and all their workers; whoever waits for one of them is told so."""
    for zygote in list(_zygotes.values()):
        zygote.close()
    _zygotes.clear()


def _after_fork() -> None:
    global _zygotes_lock
    _zygotes_lock = threading.Lock()
    for zygote in _zygotes.values():
        zygote.close()  # closes our copy of its socket; the process is our parent's
    _zygotes.clear()


os.register_at_fork(after_in_child=_after_fork)
