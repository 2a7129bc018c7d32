"""The settings in which the battery is measured: as root, as nobody, and as nobody where namespaces are refused.

Each is a child of its own, which takes on the setting, measures every column and the real workers, and says what it
found as JSON. The last setting is that of most containers: an unprivileged user under a filter without unshare(2).
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

from secureload.errors import SandboxError
from secureload.printable import printable
from secureload.sandbox.battery.columns import COLUMNS, measure_column, throw_away_namespaces
from secureload.sandbox.battery.live import RELAXED_LOOKS, RELAXED_READS, canaries, run_live
from secureload.sandbox.kernel import ARCHITECTURES, architecture, prctl, raw_syscall
from secureload.sandbox.launch import isolated
from secureload.sandbox.layers.bpf import ALLOW, JEQ, LD_ABS, NR_OFFSET, op, refuse
from secureload.sandbox.layers.privileges import forbid_new_privileges
from secureload.sandbox.terms import Terms
from secureload.values import dataclass

__all__ = ["SETTINGS", "Measured", "main", "measure"]

SETTINGS: Final = ("root", "nobody", "without namespaces")
_NOBODY = 65534
_PR_SET_DUMPABLE = 4
_MS_BIND, _MS_REC = 0x1000, 0x4000
_SECONDS = 600.0
_DONE = "."


@dataclass(frozen=True, slots=True)
class Measured:
    """One setting: its name, the level that real workers reach in it, and by column what became of each attempt."""

    setting: str
    level: str
    columns: dict[str, dict[str, str]]

    @property
    def escaped(self) -> tuple[str, ...]:
        """The attempts that got out of real workers, but for what the relaxed filter is there to let through."""
        lets = RELAXED_READS | (
            RELAXED_LOOKS if set(self.columns["namespaces"].values()) == {"no layer"} else set()
        )
        relaxed = {name: found for name, found in self.columns["relaxed"].items() if name not in lets}
        return tuple(
            name
            for outcomes in (self.columns["all"], relaxed)
            for name, found in outcomes.items()
            if found == "through"
        )

    def through(self, column: str) -> int:
        """How many attempts got out in a column."""
        return sum(found == "through" for found in self.columns[column].values())


def measure(setting: str, told: Callable[[], None] = lambda: None) -> Measured:
    """Measure one setting in a child; ``told`` is called now and then.

    Raises:
        SandboxError: it cannot be had here.
    """
    code = "from secureload.sandbox.battery.settings import main; main(sys.argv[1])"
    child = subprocess.Popen(  # noqa: S603  # our own interpreter, our own module
        isolated(code, setting),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "SECURELOAD_CANARY": "x"},
    )
    with child:
        text = ""
        for line in child.stdout or ():
            if line.strip() == _DONE:
                told()
            else:
                text += line
        problem = child.stderr.read() if child.stderr else ""
    if child.returncode:
        raise SandboxError(f"the battery cannot be measured as {setting}: {printable(problem[-400:], 400)}")
    answer = json.loads(text)
    return Measured(setting, answer["level"], answer["columns"])


def main(setting: str) -> NoReturn:
    """Take on ``setting``, measure, and write the answer to standard output."""
    if os.geteuid() == 0:
        throw_away_namespaces()
        if setting != "root":
            _become_nobody()
    if setting == "without namespaces":
        _refuse_namespaces()
    columns: dict[str, dict[str, str]] = {}
    with canaries() as scene:
        for column, layers in COLUMNS.items():
            columns[column] = measure_column(layers, scene)
            print(_DONE, flush=True)
    with canaries() as scene:
        live = run_live(scene)
    columns["all"] = live.outcomes
    with canaries() as scene:
        relaxed = run_live(scene, terms=Terms(filter="relaxed"))
    columns["relaxed"] = relaxed.outcomes
    if not (live.untouched and relaxed.untouched):
        raise SandboxError("the canaries are not as they were")
    print(json.dumps({"level": live.confinement.level, "columns": columns}), flush=True)
    sys.exit(0)


def _become_nobody() -> None:
    """Become a user without privileges, who may still run this interpreter wherever it lies."""
    for prefix in dict.fromkeys((sys.base_prefix, sys.prefix, str(Path(__file__).resolve().parents[3]))):
        _let_in(Path(prefix))
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    prctl(_PR_SET_DUMPABLE, 1)  # or its own files in /proc would be root's


def _let_in(place: Path) -> None:
    """Show ``place`` alone of a folder that only root may enter; the mounts are thrown away."""
    closed = next((folder for folder in reversed(place.parents) if not folder.stat().st_mode & 1), None)
    if closed is None:
        return
    kept = os.open(place, os.O_PATH | os.O_DIRECTORY)
    raw_syscall("mount", b"tmpfs", os.fsencode(closed), b"tmpfs", 0, b"mode=0755")
    place.mkdir(parents=True)
    raw_syscall("mount", f"/proc/self/fd/{kept}".encode(), os.fsencode(place), 0, _MS_BIND | _MS_REC, 0)
    os.close(kept)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _refuse_namespaces() -> None:
    """Answer unshare(2) and setns(2) with EPERM from now on, as a container's profile does."""
    numbers = ARCHITECTURES[architecture()]
    code = op(LD_ABS, NR_OFFSET)
    for name in ("unshare", "setns"):
        code += op(JEQ, numbers[name], 0, 1) + refuse(errno.EPERM)
    code += ALLOW
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    forbid_new_privileges()
    raw_syscall("seccomp", 1, 0, ctypes.byref(program))
