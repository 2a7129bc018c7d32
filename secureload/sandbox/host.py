"""The parent's side of a worker: started, configured, proved to be confined, and only then given an artifact.

A worker is trusted with an artifact when it has answered READY with every required layer enforced and no
forbidden attempt succeeded, *and* the kernel's own view of it (``/proc/PID/status``) says the same.
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from secureload.errors import SandboxError
from secureload.limits import Limits
from secureload.sandbox.arena import open_arena
from secureload.sandbox.channel import Channel, ChannelClosedError, ChannelTimeoutError
from secureload.sandbox.proof import Confinement, prove
from secureload.sandbox.roles.threads import THREAD_VARIABLES
from secureload.sandbox.terms import STRICT, Terms
from secureload.sandbox.wire.frame import Kind, Message
from secureload.sandbox.zygotes import zygote_for

__all__ = ["Spawned", "Worker", "start_worker"]

_LEASH_BYTES = 64


class Worker:
    """A worker that is locked down and proved to be, waiting for its artifact."""

    def __init__(self, channel: Channel, leash: socket.socket, pid: int, confinement: Confinement) -> None:
        self.channel = channel
        self.pid = pid
        self.confinement = confinement
        self._leash = leash
        self._owner = os.getpid()

    def open(self, descriptor: int, task: Mapping[str, Any], *, seconds: float) -> None:
        """Hand it the pinned artifact."""
        self.channel.send(Message(Kind.OPEN, 0, dict(task)), seconds=seconds, descriptor=descriptor)

    def kill(self) -> None:
        """Kill it, and leave the sockets to whoever waits for an answer. Not in a process that was forked since."""
        if self._owner == os.getpid():
            with contextlib.suppress(OSError):
                self._leash.send(
                    b"kill", socket.MSG_DONTWAIT
                )  # closing is not enough: others may have copies

    def close(self) -> None:
        """Kill it. In a process that was forked since, only our copies of the sockets are closed."""
        self.kill()
        self.channel.close()
        self._leash.close()

    @contextlib.contextmanager
    def capped(self, memory_bytes: int) -> Iterator[None]:
        """Let it take no more than ``memory_bytes`` beyond what it has now, for as long as the block lasts.

        Raises:
            ChannelClosedError: it is gone.
            SandboxError: the limit cannot be set.
        """
        before = _limit_memory(self.pid, memory_bytes, hard=False)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # it may be gone
                resource.prlimit(self.pid, resource.RLIMIT_DATA, before)

    def cap(self, memory_bytes: int) -> None:
        """Let it take no more than ``memory_bytes`` beyond what it has now, from now on.

        Raises:
            SandboxError: the limit cannot be set.
        """
        _limit_memory(self.pid, memory_bytes, hard=True)

    def died(self) -> SandboxError:
        """Return the error that says how the worker ended; call it when its channel is closed."""
        return _death(self._leash)


class Spawned:
    """A worker that was asked for and is being forked into its namespaces; it waits for its configuration."""

    def __init__(self, role: str, group: str = "") -> None:
        """Ask the zygote of ``role`` for a worker that needs a group of modules.

        Raises :class:`SandboxError` where there is no zygote.
        """
        self._role = role
        self._ends: tuple[socket.socket, socket.socket] | None = zygote_for(role).spawn(group)
        self._configured: tuple[Channel, socket.socket] | None = None

    def configured(
        self, config: Mapping[str, Any], limits: Limits, *, shared_bytes: int = 0, terms: Terms = STRICT
    ) -> Worker:
        """Configure and prove the worker, which shares ``shared_bytes`` of memory with this process.

        ``config`` holds what the role's ``prepare`` reads; resource limits and paths are added here. ``terms`` say
        which filter it gets, and what the caller accepts.

        Raises:
            ConfinementMissingError: a required layer is not in force.
            SandboxError: it could not be started.
        """
        self.configure(config, limits, shared_bytes=shared_bytes, terms=terms)
        return self.proved(limits, terms=terms)

    def configure(
        self, config: Mapping[str, Any], limits: Limits, *, shared_bytes: int = 0, terms: Terms = STRICT
    ) -> None:
        """Send the worker its configuration, and do not wait for it; see :meth:`configured`."""
        if self._ends is None:
            raise SandboxError("this worker was configured or given up before", hint="start another one")
        (sock, leash), self._ends = self._ends, None
        channel = Channel(sock, limits)
        try:
            whole = {
                "role": self._role,
                "path": [],
                "open_files": limits.worker_open_files,
                "threads": limits.worker_threads,
                "thread_variables": _thread_variables(),
                "shared_bytes": shared_bytes,
                "filter": terms.filter,
                "readable": list(terms.readable),
                **config,
            }
            _configure(channel, whole, shared_bytes, limits)
        except BaseException:
            channel.close()
            leash.close()
            raise
        self._configured = channel, leash

    def proved(self, limits: Limits, *, terms: Terms = STRICT) -> Worker:
        """Wait for the worker that was configured, and prove it; see :meth:`configured`."""
        if self._configured is None:
            raise SandboxError("this worker was not configured, or given up", hint="start another one")
        (channel, leash), self._configured = self._configured, None
        try:
            pid = _pid(leash, limits)
            try:
                message, _ = channel.receive(seconds=limits.worker_start_seconds)
            except ChannelClosedError:
                raise _death(leash) from None
            confinement = prove(message, pid, terms)
        except BaseException:
            channel.close()
            leash.close()
            raise
        return Worker(channel, leash, pid, confinement)

    def close(self) -> None:
        """Give the worker up, unless it was handed out."""
        if self._ends is not None:
            for end in self._ends:
                end.close()
            self._ends = None
        if self._configured is not None:
            for part in self._configured:
                part.close()
            self._configured = None


def start_worker(
    role: str, config: Mapping[str, Any], limits: Limits, *, group: str = "", terms: Terms = STRICT
) -> Worker:
    """Start, configure and prove one worker; see :class:`Spawned`."""
    return Spawned(role, group).configured(config, limits, terms=terms)


def _configure(channel: Channel, config: dict[str, Any], shared_bytes: int, limits: Limits) -> None:
    message = Message(Kind.CONFIGURE, 0, config)
    if not shared_bytes:
        channel.send(message, seconds=limits.worker_start_seconds)
        return
    arena, descriptor = open_arena(shared_bytes)
    try:
        channel.send(message, seconds=limits.worker_start_seconds, descriptor=descriptor)
    finally:
        os.close(descriptor)
    channel.share(arena)


def _limit_memory(pid: int, more: int, *, hard: bool) -> tuple[int, int]:
    """Lower RLIMIT_DATA of ``pid`` to what counts of it now and ``more``; return what it was.

    The worker's filter lets it read its limits and set none.
    """
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        (data,) = [line.split()[1] for line in text.splitlines() if line.startswith("VmData:")]
        before = resource.prlimit(pid, resource.RLIMIT_DATA)
        highest = before[1]
        wanted = int(data) * 1024 + more
        soft = wanted if highest == resource.RLIM_INFINITY else min(wanted, highest)
        resource.prlimit(pid, resource.RLIMIT_DATA, (soft, soft if hard else highest))
    except (FileNotFoundError, ProcessLookupError, ValueError) as error:  # a zombie has no memory
        raise ChannelClosedError("the sandboxed worker is gone", hint="call it again") from error
    except OSError as error:
        raise SandboxError(
            f"the memory of the sandboxed worker cannot be limited: {error}",
            hint="a process that changed its user cannot limit what it started before",
        ) from error
    return before


def _thread_variables() -> dict[str, int]:
    found = {}
    for name in THREAD_VARIABLES:
        with contextlib.suppress(KeyError, ValueError):
            found[name] = max(1, int(os.environ[name]))
    return found


def _pid(leash: socket.socket, limits: Limits) -> int:
    leash.settimeout(limits.worker_start_seconds)
    try:
        word, _, number = leash.recv(_LEASH_BYTES).partition(b" ")
    except TimeoutError as error:
        raise ChannelTimeoutError("the sandbox did not start in time") from error
    except OSError as error:
        raise SandboxError(f"the sandbox did not start: {error.strerror}") from error
    if word != b"pid":
        raise SandboxError("the sandbox did not start", hint="run: secureload doctor")
    return int(number)


def _death(leash: socket.socket) -> SandboxError:
    try:
        leash.settimeout(2.0)
        word, _, status = leash.recv(_LEASH_BYTES).partition(b" ")
    except OSError:
        word, status = b"", b""
    reason = "it ended without a word"
    code: int | None = None
    if word == b"end":
        code = int(status)
        reason = _SIGNALS.get(-code, f"signal {-code}") if code < 0 else f"exit status {code}"
    return ChannelClosedError(
        f"the sandboxed worker died: {reason}",
        hint="the next call starts it again, if it may; the input, the memory or the file may be the reason",
        status=code,
    )


_SIGNALS = {
    9: "it was killed (out of memory or out of time)",
    11: "it crashed (segmentation fault)",
    24: "it used up its CPU time",
    31: "it made a forbidden system call",
    6: "it aborted",
}
