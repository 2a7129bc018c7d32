"""Run a command and say what it cost: wall time, CPU time and memory of all the processes that it started.

CPU time is what the kernel accounted to every process of the tree: this file runs as a small process of its own
that adopts and waits for all orphans (``PR_SET_CHILD_SUBREAPER``), so that helpers which outlive their parent
for a moment are counted too. What ends with the first process of its pid namespace is waited for by nobody: of
all processes the time is sampled as well, and the larger sum counts. Memory is sampled every 10 ms: the sum of
the processes' resident sets, or with ``shares`` of their proportional sets, which count a page that several
processes share once. Bytes of memfds are no process's own and are counted apart. Wall time is from the start of
the command to its exit.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Measured", "measure"]

_PR_SET_CHILD_SUBREAPER = 36
_INTERVAL = 0.01
_PAGE = resource.getpagesize()
_TICKS = os.sysconf("SC_CLK_TCK")
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run cost: seconds and megabytes (10^6 bytes); ``code`` is None where it was killed after its time."""

    wall: float
    cpu: float
    memory: float
    memfd: float
    code: int | None
    output: str
    errors: str


def measure(
    command: Sequence[str],
    *,
    seconds: float,
    environment: Mapping[str, str] | None = None,
    folder: str | None = None,
    shares: bool = False,
) -> Measured:
    """Run ``command``, for ``seconds`` at most."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        out, err = Path(scratch, "out"), Path(scratch, "err")
        task = {
            "command": list(command),
            "seconds": seconds,
            "shares": shares,
            "out": str(out),
            "err": str(err),
        }
        done = subprocess.run(
            [sys.executable, "-I", __file__],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            env=environment,
            cwd=folder,
            check=True,
        )
        figures = json.loads(done.stdout)
        text = [path.read_text(encoding="utf-8", errors="replace") for path in (out, err)]
    return Measured(**figures, output=text[0], errors=text[1])


def _children(pid: int) -> Iterator[int]:
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        yield from map(int, tasks.read_text().split())


def _tree(root: int) -> list[int]:
    found: list[int] = []
    todo = [root]
    while todo:
        pid = todo.pop()
        try:
            todo += _children(pid)
        except OSError:
            continue
        found.append(pid)
    return found


def _resident(pid: int, *, shares: bool) -> int:
    try:
        if shares:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass  # a process that does not let itself be read in full: its resident set is always told
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _processor_seconds(pid: int) -> tuple[str, float]:
    """Return when a process was started, in ticks, and the user and system time of its own; see proc(5)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "", 0.0
    return fields[19], (int(fields[11]) + int(fields[12])) / _TICKS


def _memfds(pids: list[int]) -> int:
    sizes: dict[int, int] = {}
    for pid in pids:
        try:
            for entry in os.scandir(f"/proc/{pid}/fd"):
                if os.readlink(entry.path).startswith("/memfd:"):
                    found = os.stat(entry.path)
                    sizes[found.st_ino] = found.st_blocks * 512
        except OSError:
            continue
    return sum(sizes.values())


class _Sampler(threading.Thread):
    """Samples the tree below ``root`` until it is told to stop."""

    def __init__(self, root: int, *, shares: bool) -> None:
        super().__init__(daemon=True)
        self._root, self._shares = root, shares
        self.stopped = threading.Event()
        self.memory = self.memfd = 0
        self._seconds: dict[tuple[int, str], float] = {}

    @property
    def cpu(self) -> float:
        """The seconds of all processes that were seen, each as it was seen last."""
        return sum(self._seconds.values())

    def run(self) -> None:
        """Keep the highest of what is seen."""
        while not self.stopped.wait(_INTERVAL):
            pids = _tree(self._root)
            for pid in pids:
                started, used = _processor_seconds(pid)
                self._seconds[pid, started] = max(used, self._seconds.get((pid, started), 0.0))
            self.memory = max(self.memory, sum(_resident(pid, shares=self._shares) for pid in pids))
            if self._shares:
                self.memfd = max(self.memfd, _memfds(pids))


def _kill_tree(root: int) -> None:
    for pid in reversed(_tree(root)):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _reap() -> None:
    """Wait for every child, adopted ones too, so that their time is counted."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            time.sleep(0.002)
    for pid in [pid for pid in _tree(os.getpid()) if pid != os.getpid()]:
        os.kill(pid, signal.SIGKILL)


def _run(task: dict[str, object]) -> dict[str, float | None]:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    command, seconds = task["command"], float(str(task["seconds"]))
    with Path(str(task["out"])).open("wb") as out, Path(str(task["err"])).open("wb") as err:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)  # type: ignore[call-overload]  # it is a list of texts
        sampler = _Sampler(process.pid, shares=bool(task["shares"]))
        sampler.start()
        timer = threading.Timer(seconds, _kill_tree, [process.pid])
        timer.start()
        code: int | None = process.wait()
        wall = time.perf_counter() - start
    late = not timer.is_alive() and wall >= seconds
    timer.cancel()
    sampler.stopped.set()
    sampler.join()
    _reap()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "wall": wall,
        "cpu": max(used.ru_utime + used.ru_stime, sampler.cpu),
        "memory": sampler.memory / _MB,
        "memfd": sampler.memfd / _MB,
        "code": None if late else code,
    }


if __name__ == "__main__":
    print(json.dumps(_run(json.loads(sys.stdin.read()))))
