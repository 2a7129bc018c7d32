"""Start the interpreter of a zygote. It is the first thing that ``check`` does, so nothing much is imported here."""

from __future__ import annotations

import os
import sys

# Of the standard library's own; the module around it takes longer to import than an interpreter to start.
from _socket import AF_UNIX, SOCK_SEQPACKET, socketpair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    # A zygote's process, our end of its requests as a descriptor, and which process of which user started it.
    Launched: TypeAlias = tuple[int, int, int, int]

__all__ = ["CONTROL", "THREAD_VARIABLES", "application_paths", "isolated", "launch", "launch_ahead", "taken"]

# The descriptor that a zygote reads its requests from.
CONTROL = 3
_MODULES = {
    "trace": ["secureload.sandbox.roles.trace"],
    "load": ["secureload.sandbox.roles.load"],
    "battery": ["secureload.sandbox.roles.battery"],
}
# What a zygote imports when the first worker is asked for that needs it.
_GROUPS: dict[str, dict[str, list[str]]] = {
    "trace": {"whole": ["secureload.sandbox.roles.readers"], "fickle": ["secureload.sandbox.roles.fickle"]},
    "load": {},
    "battery": {},
}
# Without the site module, which reads the folders of packages: what they hold is not needed to trace.
_WITHOUT_SITE = frozenset({"trace"})
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")
_ONE_THREAD = dict.fromkeys(THREAD_VARIABLES, "1")
# pyarrow, which pandas imports, and polars start threads for their allocators; Landlock binds one.
_NO_THREAD = dict.fromkeys(("JE_ARROW_MALLOC_CONF", "_RJEM_MALLOC_CONF"), "background_thread:false")
# From its first statement on a zygote looks whether its parent is there, see its module: by the C module of the
# signals, for the other one takes a while to import.
_LOOK_AT_PARENT = """
import _signal, posix, sys
def _look(*_):
    posix.getppid() == int(sys.argv[1]) or posix._exit(0)
_signal.signal(_signal.SIGALRM, _look)
_signal.setitimer(_signal.ITIMER_REAL, 0.01, 0.01)
_look()
"""
# pyarrow's other allocator takes 4 MB in every worker that handles a frame.
_ONE_ALLOCATOR = {"ARROW_DEFAULT_MEMORY_POOL": "system"}
# What models and frames are likely to be of where they are imported: a third of a second to two seconds a load.
# polars is not among them: it starts a thread when it is imported, which a fork would leave behind. Nor are those that
# import it where it is installed, once this process has it.
_LARGE = ("pandas", "torch", "xgboost", "lightgbm", "statsmodels.api", "catboost")
_MAY_IMPORT_POLARS = frozenset(("statsmodels.api", "catboost"))
_ahead: dict[str, Launched] = {}


def launch_ahead(role: str, group: str = "") -> None:
    """Start a zygote for whoever asks for one later, let it import ``group``, and do not wait for it.

    That it cannot be started is told to whoever asks.
    """
    if sys.platform != "linux" or role in _ahead:
        return
    try:
        _ahead[role] = found = launch(role)
        if group:
            os.write(found[1], group.encode("ascii"))
    except OSError:
        return


def taken(role: str) -> Launched | None:
    """Return the zygote that was started ahead by this process as this user, once; else None."""
    found = _ahead.pop(role, None)
    if found is not None and found[2:] != (os.getpid(), os.geteuid()):
        os.close(found[1])  # our copy: it ends when its parent does
        return None
    return found


def launch(role: str) -> Launched:
    """Start a zygote; raise :class:`OSError` where that cannot be."""
    ours, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
    try:
        pid = _started(role, theirs.fileno())
    finally:
        theirs.close()
    return pid, ours.detach(), os.getpid(), os.geteuid()


def _started(role: str, control: int) -> int:
    """Start the interpreter of a zygote, which gets the descriptor ``control`` and no other; return its pid."""
    arguments = [*_interpreter(role), str(os.getpid()), ",".join(_preloaded(role)), _as_text(_GROUPS[role])]
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
    without = _MAY_IMPORT_POLARS if "polars" in sys.modules else frozenset[str]()
    large = [
        module for module in _LARGE if role == "load" and module in sys.modules and module not in without
    ]
    return [*large, *_MODULES[role]]  # the role warms up what is there


def _interpreter(role: str) -> list[str]:
    if not sys.executable:
        raise OSError(2, "this Python does not know its own executable")
    code = f"{_LOOK_AT_PARENT}{_imports()}; from secureload.sandbox.zygote import main; main(*sys.argv[1:])"
    options = ["-I", "-S"] if role in _WITHOUT_SITE else ["-I"]
    return [sys.executable, *options, "-c", code]


def isolated(code: str, *arguments: str) -> list[str]:
    """Return the command that runs ``code`` in an isolated interpreter which finds this package; it has ``sys``."""
    return [sys.executable, "-I", "-c", f"{_imports()}; {code}", *arguments]


def _imports() -> str:
    """Return the code that lets an isolated interpreter find the libraries of this process, and this very package.

    The libraries stand behind the interpreter's own entries, so that nothing of them is shadowed; the package
    is named by its file, for another version of it may be installed where the interpreter looks first.
    """
    package = os.path.dirname(_folder())  # noqa: PTH120  # pathlib takes as long to import as the interpreter to start
    first = f"{package}/__init__.py"
    return (
        f"import sys; sys.path.extend({list(_library_paths())!r}); from importlib import machinery as i; "
        f"l = i.SourceFileLoader('secureload', {first!r}); "
        f"s = i.ModuleSpec('secureload', l, origin={first!r}, is_package=True); "
        f"s.submodule_search_locations.append({package!r}); s.has_location = True; "
        f"m = sys.modules['secureload'] = type(sys)('secureload'); m.__spec__ = s; m.__loader__ = l; "
        f"m.__package__ = 'secureload'; m.__path__ = [{package!r}]; m.__file__ = {first!r}; l.exec_module(m)"
    )


def _folder() -> str:
    return os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120  # as above


def _library_paths() -> tuple[str, ...]:
    """Where this process finds its libraries, without the script's folder and the working directory.

    Files that arrive are put there; a library that a payload names is never taken from beside it.
    """
    own = os.path.dirname(os.path.dirname(_folder()))  # noqa: PTH120  # as above
    return tuple(dict.fromkeys([*(entry for entry in _absolute_paths() if not _is_own(entry)), own]))


def application_paths() -> tuple[str, ...]:
    """The script's folder and the working directory, as far as this process imports from them.

    They are for the modules that the caller has allowed by name.
    """
    return tuple(entry for entry in _absolute_paths() if _is_own(entry))


def _absolute_paths() -> list[str]:
    return [_absolute(entry) for entry in sys.path]


def _absolute(entry: str) -> str:
    whole = os.path.join(os.getcwd(), entry)  # noqa: PTH109, PTH118  # as above
    return whole.rstrip("/") or "/"


def _is_own(entry: str) -> bool:
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    own = [os.getcwd()]  # noqa: PTH109  # as above
    if script:
        # Python resolves a script that is a link before it puts the folder on the path.
        own += [os.path.dirname(_absolute(script)), os.path.dirname(os.path.realpath(script))]  # noqa: PTH120  # as above
    return os.path.realpath(entry) in [os.path.realpath(folder) for folder in own]


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "HOME": "/nonexistent",
        **_ONE_THREAD,
        **_NO_THREAD,
        **_ONE_ALLOCATOR,
        **kept,
    }
