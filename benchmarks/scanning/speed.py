"""What each scanner costs on the speed files: alternating runs, medians, and one more run for our memory."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.scanning.environments import python_of
from benchmarks.scanning.measure import Measured, measure
from benchmarks.scanning.scanners import Scanner

__all__ = ["TASKS", "Baselines", "Cost", "Task", "baselines", "cost"]


@dataclass(frozen=True, slots=True)
class Task:
    """A path below the speed files, and how often it is scanned; "" is ``--help``, which scans nothing."""

    label: str
    path: str
    runs: int
    seconds: float = 60.0


TASKS = (
    Task("1 GB joblib", "large.joblib", 3),
    Task("1 GB pickle, protocol 5", "large.pkl", 3),
    Task("dictionary of 2 million", "dictionary.pkl", 3),
    Task("1,000 small models", "models", 5),
    Task("random forest of 3 MB", "forest.pkl", 7),
    Task("one small file", "small.pkl", 9),
    Task("20 files of 2 kB", "twenty", 5),
    Task("--help", "", 9),
)
# A run that takes longer than this is not repeated; its spread does not matter.
_LONG_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians over ``runs``: seconds of wall and CPU time, megabytes at the peak; ``ended`` says how it ended.

    ``memory`` is the sum of the processes' resident sets. For ours, which are several and share pages, it is the sum
    of their proportional sets; ``memfd`` is the sealed copy of the file, which is no process's own.
    """

    wall: float
    cpu: float
    memory: float
    memfd: float
    runs: int
    ended: str


@dataclass(frozen=True, slots=True)
class Baselines:
    """In seconds of CPU: ``pickle.load`` of the dictionary; in seconds: tracing the large files, and a small one."""

    load: float
    joblib: float
    pickle: float
    small: float


def cost(scanners: Mapping[str, Scanner], folder: Path, task: Task, *, quick: bool) -> dict[str, Cost]:
    """Return what the task costs each scanner; the runs of the scanners alternate."""
    runs: dict[str, list[Measured]] = {label: [] for label in scanners}
    for _ in range(1 if quick else task.runs):
        for label, scanner in scanners.items():
            known = runs[label]
            if not known or known[0].wall <= _LONG_SECONDS:
                known.append(_run(scanner, folder, task, quick=quick))
    costs = {}
    for label, measured in runs.items():
        memory = max(run.memory for run in measured)
        memfd = 0.0
        if label == "secureload":
            shared = _run(scanners[label], folder, task, quick=quick, shares=True)
            memory, memfd = shared.memory, shared.memfd
        costs[label] = Cost(
            statistics.median(run.wall for run in measured),
            statistics.median(run.cpu for run in measured),
            memory,
            memfd,
            len(measured),
            _ended(measured[0], _seconds(task, quick=quick)),
        )
    return costs


def _run(scanner: Scanner, folder: Path, task: Task, *, quick: bool, shares: bool = False) -> Measured:
    seconds = _seconds(task, quick=quick)
    if not task.path:
        return scanner.measured([scanner.program, "--help"], seconds)
    return scanner.run(folder / task.path, seconds, shares=shares)


def _seconds(task: Task, *, quick: bool) -> float:
    return 20.0 if quick else task.seconds


def _ended(run: Measured, seconds: float) -> str:
    if run.code is None:
        return f"killed after {seconds:.0f} s"
    text = (run.errors + run.output).lower()
    for words, meaning in (
        ("traceback", "crashed"),
        ("error: parsing", "parse error"),
        ("parsing error", "parse error"),
        ("exceeds", "refused: too large"),
        ("too large", "refused: too large"),
        ("no issues found", "no issues"),
    ):
        if words in text:
            return f"exit {run.code}, {meaning}"
    return f"exit {run.code}"


_LOAD = """
import pickle, sys, time
start = time.process_time()
with open(sys.argv[1], "rb") as file:
    kept = pickle.load(file)
print(time.process_time() - start)
"""
# Tracing alone, without the start of the process and without the reading and hashing that pins the file.
_TRACE = """
import json, sys, time, statistics
from secureload.api.check import allow_list
from secureload.api.examiner import Examiner
from secureload.artifact.artifact import open_artifact
from secureload.limits import DEFAULT_LIMITS
allow, medians = allow_list([]), []
for path in sys.argv[1:]:
    seconds = []
    # One that has started its workers, with what it remembers of a first look: the later ones are the tracing alone.
    with open_artifact(path, DEFAULT_LIMITS, None, expect="file") as artifact, Examiner(allow) as examiner:
        for _ in range(8):
            start = time.perf_counter()
            examiner.examine(artifact)
            seconds.append(time.perf_counter() - start)
    del seconds[0]
    medians.append(statistics.median(seconds))
print(json.dumps(medians))
"""


def baselines(cache: Path, folder: Path) -> Baselines:
    """Measure what ours is compared with, and tracing by itself."""
    dictionary = str(folder / "dictionary.pkl")
    load = [float(_python(cache, "models", _LOAD, dictionary)) for _ in range(3)]
    names = ("small.pkl", "large.joblib", "large.pkl")
    traced = json.loads(_python(cache, "secureload", _TRACE, *(str(folder / name) for name in names)))
    return Baselines(statistics.median(load), traced[1], traced[2], traced[0])


def _python(cache: Path, name: str, code: str, *arguments: str) -> str:
    done = measure([str(python_of(cache, name)), "-c", code, *arguments], seconds=300, folder="/")
    if done.code:
        raise RuntimeError(done.errors)
    return done.output


def as_json(costs: dict[str, Cost]) -> str:
    """Return the costs as text that :func:`from_json` reads."""
    return json.dumps({label: asdict(entry) for label, entry in costs.items()})


def from_json(text: str) -> dict[str, Cost]:
    """Read what :func:`as_json` wrote."""
    return {label: Cost(**entry) for label, entry in json.loads(text).items()}
