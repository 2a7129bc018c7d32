"""What a worker weighs, and how soon nothing of the sandbox is left when its parent is killed."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

from benchmarks.sandbox.goals import Goal, spread
from benchmarks.sandbox.models import Signed

__all__ = ["measure_end", "measure_memory"]

_PARENT = """
import os, sys, time, secureload
model = secureload.safe_load(sys.argv[1])
model.predict([[0.0] * 20])
print(os.getpid(), flush=True)
time.sleep(600)
"""
_KILO = 1024


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    todo = [pid]
    while todo:
        for path in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
            children = [int(word) for word in path.read_text(encoding="ascii").split()]
            found += children
            todo += children
    return found


def _pss(pids: list[int]) -> int:
    """Return the proportional set size of some processes in bytes (proc(5), smaps_rollup)."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * _KILO
    return total


def measure_memory(signed: Signed, quick: bool) -> tuple[str, list[Goal]]:
    """Measure by how much the memory of all our processes grows with each further worker of the pipeline."""
    me = Path("/proc/self").resolve().name
    count = 3 if quick else 8
    with signed.loaded(signed.pipeline_path) as first:
        first.predict(signed.rows)
        models, totals = [], [_pss(_descendants(int(me)))]
        for _ in range(count):
            model = signed.loaded(signed.pipeline_path)
            model.predict(signed.rows)
            models.append(model)
            totals.append(_pss(_descendants(int(me))))
        for model in models:
            model.close()
    each = statistics.median(after - before for before, after in pairwise(totals))
    arrays = signed.pipeline_path.stat().st_size
    beyond = (each - arrays) / 1e6
    text = (
        "## Memory\n\n"
        f"PSS of all processes of the sandbox, by how much it grows with a further worker (and its warden) that has "
        f"predicted 1,000 rows, median of {count}: {each / 1e6:.1f} MB, of which the file is {arrays / 1e6:.1f} MB."
    )
    return text, [Goal("PSS of a worker beyond its model", 30, beyond, "MB")]


def _gone(pid: int) -> bool:
    try:
        return (
            Path(f"/proc/{pid}/stat")
            .read_text(encoding="ascii", errors="replace")
            .rpartition(")")[2]
            .split()[0]
            in "ZX"
        )
    except OSError:
        return True


def measure_end(signed: Signed, quick: bool) -> tuple[str, list[Goal]]:
    """Kill a process that has loaded a model by SIGKILL, and wait until all that it started is gone."""
    seconds = []
    for _ in range(3 if quick else 9):
        command = [sys.executable, "-c", _PARENT, str(signed.pipeline_path)]
        with subprocess.Popen(command, env=signed.environment, stdout=subprocess.PIPE, text=True) as parent:
            assert parent.stdout is not None
            parent.stdout.readline()
            left = _descendants(parent.pid)
            start = time.perf_counter()
            parent.kill()
            while left:
                left = [pid for pid in left if not _gone(pid)]
                if left:
                    time.sleep(0.0005)
            seconds.append(time.perf_counter() - start)
    found = spread(seconds)
    text = (
        f"## The end\n\nParent killed by SIGKILL, until nothing of ours is left: {found.text(1e3)} ms, "
        f"{found.runs} times; the longest {max(seconds) * 1e3:.1f} ms."
    )
    return text, [Goal("all gone after the parent was killed, the longest", 100, max(seconds) * 1e3, "ms")]
