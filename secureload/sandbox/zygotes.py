"""The zygotes of this process: started on first use, one a role, and gone with it."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from secureload.errors import SandboxError
from secureload.sandbox.platforms import missing_platform
from secureload.sandbox.proof import ConfinementMissingError
from secureload.sandbox.roles.threads import ONE_THREAD

__all__ = ["application_paths", "close_zygotes", "start_ahead", "zygote_for"]

_ZYGOTE_MODULES = {
    "trace": ["secureload.sandbox.roles.trace"],
    "load": ["secureload.sandbox.roles.load"],
}
# What a zygote imports when the first worker is asked for that needs it.
_GROUPS = {
    "trace": {"whole": ["secureload.sandbox.roles.readers"], "fickle": ["secureload.sandbox.roles.fickle"]},
    "load": {},
}
# What models and frames are likely to be of where they are imported: a third of a second to two seconds a load.
# polars is not among them: it starts a thread when it is imported, which a fork would leave behind.
_LARGE = ("pandas", "torch", "xgboost", "lightgbm", "statsmodels.api", "catboost")
# pyarrow's and polars' allocators start threads of their own; Landlock binds one.
_NO_THREADS = dict.fromkeys(("JE_ARROW_MALLOC_CONF", "_RJEM_MALLOC_CONF"), "background_thread:false")
# fickling is a tenth of what the tracer's zygote has imported anyway: a second one would take as long again.
_FORKED_FROM = {"fickle": "trace"}
# The descriptor that a zygote reads its requests from, see its module.
CONTROL = 3
# Without the site module, which reads the folders of packages: what they hold is not needed to trace.
_WITHOUT_SITE = frozenset({"trace"})


class _Zygote:
    """One zygote process of this process; see :mod:`secureload.sandbox.zygote`."""

    def __init__(self, role: str) -> None:
        self.owner = os.getpid()
        self._user = os.geteuid()
        self._lock = threading.Lock()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._pid = _started(role, theirs.fileno(), self.owner)
        self._ended = False
        self._control = ours

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

    def prepare(self, group: str) -> None:
        """Let it import a group of modules now, and do not wait for it."""
        with contextlib.suppress(OSError), self._lock:  # whoever wants a worker is told
            self._control.send(group.encode("ascii"))

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


def _started(role: str, control: int, owner: int) -> int:
    """Start the interpreter of a zygote, which gets the descriptor ``control`` and no other; return its pid."""
    arguments = [*_interpreter(role), str(owner), ",".join(_preloaded(role)), _as_text(_GROUPS[role])]
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, nothing, number) for number in (0, 1, 2)]
        if control == CONTROL:
            os.set_inheritable(control, True)
        else:
            actions.append((os.POSIX_SPAWN_DUP2, control, CONTROL))
        return os.posix_spawn(arguments[0], arguments, _environment(), file_actions=actions)
    finally:
        os.close(nothing)


def _as_text(groups: dict[str, list[str]]) -> str:
    return ";".join(f"{name}={','.join(modules)}" for name, modules in groups.items())


def _preloaded(role: str) -> list[str]:
    large = [module for module in _LARGE if role == "load" and module in sys.modules]
    return [*_ZYGOTE_MODULES[role], *large]


def _interpreter(role: str) -> list[str]:
    if not sys.executable:
        raise SandboxError("this Python does not know its own executable", hint="start it by its full path")
    code = f"{_imports()}; from secureload.sandbox.zygote import main; main(*sys.argv[1:])"
    options = ["-I", "-S"] if role in _WITHOUT_SITE else ["-I"]
    return [sys.executable, *options, "-c", code]


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
    return {
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "HOME": "/nonexistent",
        **ONE_THREAD,
        **_NO_THREADS,
        **kept,
    }


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


def start_ahead(role: str, group: str = "") -> None:
    """Start the zygote for ``role`` if there is none yet, let it import ``group``, and do not wait for it."""
    with contextlib.suppress(SandboxError):  # whoever wants a worker is told
        zygote = zygote_for(role)
        if group:
            zygote.prepare(group)


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
