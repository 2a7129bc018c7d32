"""The parent's side of the confinement: start the zygote, ask it for workers, and believe only the proof.

A worker is trusted with an artifact when it has answered READY with every required layer enforced and no
forbidden attempt succeeded, *and* the kernel's own view of it (``/proc/PID/status``) says the same.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from secureload.errors import SandboxError
from secureload.limits import Limits
from secureload.printable import printable
from secureload.sandbox.channel import Channel, ChannelClosedError, ChannelTimeoutError
from secureload.sandbox.kernel import is_linux
from secureload.sandbox.layers.layer import REQUIRED_LAYERS, LayerReport, confinement_level
from secureload.sandbox.roles.threads import ONE_THREAD, THREAD_VARIABLES
from secureload.sandbox.wire.frame import Kind, Message

__all__ = [
    "Confinement",
    "ConfinementMissingError",
    "Worker",
    "application_paths",
    "start_worker",
    "zygote_for",
]

_ZYGOTE_MODULES = {"trace": "secureload.sandbox.roles.trace", "load": "secureload.sandbox.roles.load"}
_LEASH_BYTES = 64


class ConfinementMissingError(SandboxError):
    """A required layer is not in force; ``fields`` has ``layer``."""

    code = "sandbox.confinement-missing"


@dataclass(frozen=True, slots=True)
class Confinement:
    """What is really enforced around one worker, as reported and proved."""

    layers: tuple[LayerReport, ...]

    @property
    def level(self) -> str:
        """ "required", "standard" or "full"; "none" is never handed out."""
        return confinement_level(self.layers)


class _Zygote:
    """One zygote process of this process; see :mod:`secureload.sandbox.zygote`."""

    def __init__(self, role: str) -> None:
        self.owner = os.getpid()
        self._lock = threading.Lock()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter, our own module
                [*_interpreter(), str(theirs.fileno()), str(self.owner), ",".join(_preloaded(role))],
                env=_environment(),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        self._control = ours

    @property
    def alive(self) -> bool:
        """Whether it belongs to this process and runs."""
        return self.owner == os.getpid() and self._process.poll() is None

    def spawn(self) -> tuple[socket.socket, socket.socket]:
        """Ask for a worker; return our ends of its socket and of its leash."""
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
                    socket.send_fds(self._control, [b"spawn"], [theirs.fileno(), held.fileno()])
            except OSError as error:
                ours.close()
                leash.close()
                raise SandboxError("the sandbox's zygote is gone", hint="try again") from error
        return ours, leash

    def close(self) -> None:
        """End it and everything that it forked."""
        self._control.close()
        if self.owner != os.getpid():
            self._process.returncode = 0  # not our child: nothing to wait for
            return
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _preloaded(role: str) -> list[str]:
    # Frames are likely to come where pandas is imported, and its import is a third of a second a load.
    frames = ["pandas"] if role == "load" and "pandas" in sys.modules else []
    return [_ZYGOTE_MODULES[role], *frames]


def _interpreter() -> list[str]:
    if not sys.executable:
        raise SandboxError("this Python does not know its own executable", hint="start it by its full path")
    code = (
        f"{_imports()}; from secureload.sandbox.zygote import main; "
        "main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split(','))"
    )
    return [sys.executable, "-I", "-c", code]


def _imports() -> str:
    """Return the code that lets an isolated interpreter find the libraries of this process, and this very package.

    The libraries stand behind the interpreter's own entries, so that nothing of them is shadowed; the package
    is named by its file, for another version of it may be installed where the interpreter looks first.
    """
    package = Path(__file__).resolve().parents[1]
    return (
        f"import sys; sys.path.extend({list(_library_paths())!r}); import importlib.util as u; "
        f"s = u.spec_from_file_location('secureload', {str(package / '__init__.py')!r}, "
        f"submodule_search_locations=[{str(package)!r}]); "
        "m = sys.modules['secureload'] = u.module_from_spec(s); s.loader.exec_module(m)"
    )


def _library_paths() -> tuple[str, ...]:
    """Where this process finds its libraries, without the script's folder and the working directory.

    Files that arrive are put there; a library that a payload names is never taken from beside it.
    """
    own = str(Path(__file__).resolve().parents[2])
    return tuple(dict.fromkeys([*(entry for entry in _absolute_paths() if not _is_own(entry)), own]))


def application_paths() -> tuple[str, ...]:
    """The script's folder and the working directory, as far as this process imports from them.

    They are for the modules that the caller has allowed by name.
    """
    return tuple(entry for entry in _absolute_paths() if _is_own(entry))


def _absolute_paths() -> list[str]:
    return [str(Path(entry).absolute()) for entry in sys.path]


def _is_own(entry: str) -> bool:
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    own = {Path.cwd()}
    if script:
        # Python resolves a script that is a link before it puts the folder on the path.
        own |= {Path(script).absolute().parent, Path(script).resolve().parent}
    return entry in {str(folder) for folder in own}


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent", **ONE_THREAD, **kept}


_zygotes: dict[str, _Zygote] = {}
_zygotes_lock = threading.Lock()


def zygote_for(role: str) -> _Zygote:
    """Return this process's zygote for ``role``, started on first use.

    Raises:
        SandboxError: it cannot be started here.
    """
    if not is_linux():
        raise ConfinementMissingError(
            "the sandbox needs Linux on x86-64 or aarch64: there is no system call filter for this machine yet",
            hint="run secureload in a Linux container or virtual machine",
            layer="seccomp",
        )
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


@atexit.register
def _close_zygotes() -> None:
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

    def close(self) -> None:
        """Kill it. In a process that was forked since, only our copies of the sockets are closed."""
        if self._owner == os.getpid():
            with contextlib.suppress(OSError):
                self._leash.send(b"kill")  # closing would be enough if nobody else had a copy
        self.channel.close()
        self._leash.close()

    def died(self) -> SandboxError:
        """Return the error that says how the worker ended; call it when its channel is closed."""
        return _death(self._leash)


def start_worker(role: str, config: Mapping[str, Any], limits: Limits) -> Worker:
    """Start, configure and prove one worker.

    ``config`` holds what the role's ``prepare`` reads; resource limits and paths are added here.

    Raises:
        ConfinementMissingError: a required layer is not in force.
        SandboxError: it could not be started.
    """
    sock, leash = zygote_for(role).spawn()
    channel = Channel(sock, limits)
    try:
        whole = {
            "role": role,
            "path": [],
            "open_files": limits.worker_open_files,
            "threads": limits.worker_threads,
            "thread_variables": _thread_variables(),
            **config,
        }
        channel.send(Message(Kind.CONFIGURE, 0, whole), seconds=limits.worker_start_seconds)
        pid = _pid(leash, limits)
        try:
            message, _ = channel.receive(seconds=limits.worker_start_seconds)
        except ChannelClosedError:
            raise _death(leash) from None
        confinement = _proved(message, pid)
    except BaseException:
        channel.close()
        leash.close()
        raise
    return Worker(channel, leash, pid, confinement)


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
    leash.settimeout(2.0)
    try:
        word, _, status = leash.recv(_LEASH_BYTES).partition(b" ")
    except OSError:
        word, status = b"", b""
    reason = "it ended without a word"
    if word == b"end":
        code = int(status)
        reason = _SIGNALS.get(-code, f"signal {-code}") if code < 0 else f"exit status {code}"
    return ChannelClosedError(
        f"the sandboxed worker died: {reason}",
        hint="load the model again; the file may be hostile or damaged",
    )


_SIGNALS = {
    9: "it was killed (out of memory or out of time)",
    11: "it crashed (segmentation fault)",
    24: "it used up its CPU time",
    31: "it made a forbidden system call",
    6: "it aborted",
}


def _proved(message: Message, pid: int) -> Confinement:
    if message.kind is Kind.FAILURE:
        what = f"{message.body.get('type')}: {message.body.get('message')}"
        raise SandboxError(
            f"the sandbox could not be prepared: {printable(what)}", hint=_preparation_hint(what)
        )
    if message.kind is not Kind.READY:
        raise SandboxError("the sandboxed worker spoke out of turn")
    confinement = Confinement(tuple(LayerReport(*report) for report in message.body["layers"]))
    layers = confinement.layers
    for report in layers:
        if report.name in REQUIRED_LAYERS and not report.enforced:
            raise _missing(report.name, report.detail)
    if confinement.level == "none":
        raise _missing(REQUIRED_LAYERS[0], "it was not reported")
    if message.body["open_doors"]:
        raise _missing("seccomp", f"the worker was able to {message.body['open_doors'][0]}")
    _check_status(pid)
    return confinement


def _preparation_hint(what: str) -> str:
    if "ModuleNotFoundError" in what or "ImportError" in what:
        return "install the library that the model was saved with, in the version that it names"
    return "run: secureload doctor"


def _missing(layer: str, detail: str) -> ConfinementMissingError:
    return ConfinementMissingError(
        f"the sandbox layer {layer!r} is missing: {printable(detail)}",
        hint="nothing was loaded; run: secureload doctor",
        layer=layer,
    )


def _check_status(pid: int) -> None:
    """Read the kernel's view of the worker (proc(5)); the worker has no part in it."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise _missing("seccomp", f"/proc/{pid}/status cannot be read: {error.strerror}") from error
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    if int(fields.get("NoNewPrivs", "0")) != 1:
        raise _missing("no-new-privileges", "the kernel says that it is not set")
    if int(fields.get("Seccomp", "0")) != 2:
        raise _missing("seccomp", "the kernel says that no filter is installed")
    for name in ("CapEff", "CapPrm"):
        if int(fields.get(name, "1"), 16) != 0:
            raise _missing("capabilities", f"the kernel says {name}:{fields.get(name, '')}")
