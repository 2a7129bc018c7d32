"""Measure the scanner side by side with picklescan, modelscan, modelaudit and fickling: what is found, and the cost.

Run it with ``make bench-scan``. It makes an environment for each scanner and one for the libraries that write
models, generates the corpus, asks every scanner about the same files, and writes ``benchmarks/results/scan.md``
and ``scan.png``. Environments, corpus and finished steps are kept in the cache folder: a run that was stopped
goes on where it was.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.corpus.sample import Written, read_index
from benchmarks.machine import machine
from benchmarks.scanning import detection, goals, speed, tables
from benchmarks.scanning.environments import (
    CHECKOUT,
    ENVIRONMENTS,
    cache_folder,
    install,
    python_of,
    versions,
)
from benchmarks.scanning.scanners import SCANNERS, Scanner

RESULTS = Path(__file__).parent / "results"
_FRESH_SECONDS = 6 * 3600
_PARTS = ("malicious", "bombs", "benign", "older")
# What counts as the same corpus: the files that generate it.
_GENERATORS = (
    "benchmarks/corpus",
    "benchmarks/scanning/environments.py",
    "secureload/scan/allow/estimators.py",
)
_ASKING = ("benchmarks/scanning/detection.py", "benchmarks/scanning/scanners.py")


class Run:
    """One run, in a folder of its own below the cache; every finished step lies there."""

    def __init__(self, cache: Path, *, quick: bool, fresh: bool) -> None:
        self.cache, self.quick = cache, quick
        self.corpus = cache / "corpus" / _digest(*_GENERATORS)
        self.folder = cache / "runs" / f"{'quick' if quick else 'full'}-{_digest('benchmarks', 'secureload')}"
        mark = self.folder / "started.json"
        if fresh or (mark.exists() and time.time() - json.loads(mark.read_text())["time"] > _FRESH_SECONDS):
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        if not mark.exists():
            mark.write_text(json.dumps({"time": time.time()}))
        self.started = datetime.datetime.fromtimestamp(json.loads(mark.read_text())["time"], datetime.UTC)
        self.scanners: dict[str, Scanner] = {label: cls(cache) for label, cls in SCANNERS.items()}

    def prepare(self) -> None:
        """Make the environments and the corpus."""
        for name in ENVIRONMENTS:
            install(self.cache, name)
        for part in (*_PARTS, self._speed):
            if not (self.corpus / f"{part}.json").exists():
                _say(f"generating {part} in {self.corpus}")
                command = [
                    str(python_of(self.cache, "older" if part == "older" else "models")),
                    "-W",
                    "ignore",
                    "-m",
                    "benchmarks.corpus",
                ]
                with (self.cache / "corpus.log").open("ab") as log:
                    subprocess.run([*command, str(self.corpus), part], cwd=CHECKOUT, check=True, stderr=log)

    @property
    def _speed(self) -> str:
        return "speed-quick" if self.quick else "speed"

    def entries(self) -> list[Written]:
        """Return every file of the corpus."""
        return [entry for part in _PARTS for entry in read_index(self.corpus / f"{part}.json")]

    def verdicts(self, labels: Sequence[str] = tuple(SCANNERS)) -> dict[str, detection.Verdicts]:
        """Ask every scanner about every file; what a peer said of the same corpus is not asked again."""
        said = {}
        for label in labels:
            _say(f"asking {label}")
            kept = (self.folder if label == "secureload" else self._asked(label)) / f"verdicts-{label}.json"
            said[label] = detection.ask(
                label, self.scanners[label], self.corpus, self.entries(), kept, quick=self.quick
            )
        return said

    def _asked(self, label: str) -> Path:
        """Return where a peer's answers lie: they depend on corpus, peer and how it is asked, not on our code."""
        name = label.partition(" ")[0]
        told_apart = hashlib.sha256(
            json.dumps([versions(self.cache, name), _digest(*_ASKING), self.quick], sort_keys=True).encode()
        )
        return self.corpus / "asked" / told_apart.hexdigest()[:12]

    def costs(self) -> dict[str, dict[str, speed.Cost]]:
        """Measure every task; strict mode costs picklescan nothing more, so it is left out."""
        measured = {label: scanner for label, scanner in self.scanners.items() if "strict" not in label}
        found = {}
        for number, task in enumerate(speed.TASKS):
            kept = self.folder / f"cost-{number}.json"
            if not kept.exists():
                _say(f"measuring {task.label}")
                costs = speed.cost(measured, self.corpus / self._speed, task, quick=self.quick)
                kept.write_text(speed.as_json(costs), encoding="utf-8")
            found[task.label] = speed.from_json(kept.read_text(encoding="utf-8"))
        return found

    def baselines(self) -> speed.Baselines:
        """Measure what costs are compared with."""
        kept = self.folder / "baselines.json"
        if not kept.exists():
            _say("measuring pickle.load and tracing alone")
            base = speed.baselines(self.cache, self.corpus / self._speed)
            kept.write_text(json.dumps(asdict(base)), encoding="utf-8")
        return speed.Baselines(**json.loads(kept.read_text(encoding="utf-8")))

    def about(self) -> str:
        """Say what was measured with what."""
        peers = [name for name in ENVIRONMENTS if name not in ("models", "older")]
        scanners = ", ".join(f"{name} {versions(self.cache, name)[name]}" for name in peers)
        found = versions(self.cache, "models")
        wrote = [package.partition("==")[0] for package in ENVIRONMENTS["models"].packages]
        libraries = ", ".join(f"{name} {found[name]}" for name in wrote)
        return (
            f"{self.started:%Y-%m-%d}, {machine()}.\n\nScanners: {scanners}. Corpus: {len(self.entries()):,} files, "
            f"written with {libraries}."
        )


def _digest(*below: str) -> str:
    digest = hashlib.sha256()
    for root in below:
        path = CHECKOUT / root
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix in (".py", ".toml"):
                digest.update(file.relative_to(CHECKOUT).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def _say(line: str) -> None:
    print(f"{datetime.datetime.now(datetime.UTC):%H:%M:%S} {line}", file=sys.stderr, flush=True)


def _report(
    run: Run, said: Mapping[str, detection.Verdicts], counts: Mapping[str, Any], costs: Mapping[str, Any]
) -> str:
    base = run.baselines()
    labels = list(counts)
    reached = list(goals.goals(counts["secureload"], costs, base))
    left = {label: verdicts.asked - len(verdicts.answers) for label, verdicts in said.items()}
    parts = [
        "# The scanner: what it finds and what it costs",
        f"Made by `make bench-scan`. {run.about()}",
        "![detection and costs](scan.png)",
        "## What must be reached",
        tables.goals_table(reached),
        "## Found and accused",
        tables.summary_table(counts),
        _NOTES,
        *(
            f"{label}: {count} files of the sample got no answer in time."
            for label, count in left.items()
            if count
        ),
        "### Malicious, by class: named / refused",
        tables.classes_table(counts, "malicious", labels),
        "### Benign, by library: accused / refused",
        tables.classes_table(counts, "benign", labels),
        "### Code pickled by value (undecided is the honest answer) and bombs: named / refused",
        tables.classes_table(counts, "by-value", labels),
        tables.classes_table(counts, "bomb", ["secureload"]),
        "## Costs",
        _COST_NOTES,
        *tables.cost_tables(costs, base),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


_NOTES = """\
*Refused* is named, or an exit code other than 0 for that file. fickling and modelaudit are
asked about a sample of every class, for a limited time, because they take a run or seconds a file; the others about
every file.
picklescan and modelscan scan each class as a folder, and what they say of a file is read from their output; alone, a
file that modelscan does not scan ends with exit code 3."""

_COST_NOTES = """\
Medians of alternating runs; the commands as a person would type them, with a home folder of their own. CPU time is
that of the whole process tree. Memory is the sum of the resident sets at the peak; for secureload, which is several
processes that share pages, of the proportional sets, plus the sealed copy of the file that it keeps in memory while
it examines it. A tool that takes a single file is run once a file. Runs over 10 s are not repeated."""


def main() -> int:
    """Measure, print what must be reached, and write the results."""
    parser = argparse.ArgumentParser(description="Measure the scanner side by side with its peers.")
    parser.add_argument("--quick", action="store_true", help="a sample and smaller files; nothing is written")
    parser.add_argument("--fresh", action="store_true", help="do not go on with a run that was stopped")
    parser.add_argument(
        "--peers-only",
        action="store_true",
        help="only ask the peers about the corpus; their answers are kept",
    )
    parser.add_argument("--cache", type=Path, default=cache_folder(), help="environments, corpus and runs")
    arguments = parser.parse_args()
    run = Run(arguments.cache.resolve(), quick=arguments.quick, fresh=arguments.fresh)
    run.prepare()
    if arguments.peers_only:
        run.verdicts([label for label in SCANNERS if label != "secureload"])
        return 0
    costs = run.costs()
    said = run.verdicts()
    counts = {label: detection.count(verdicts, run.entries()) for label, verdicts in said.items()}
    text = _report(run, said, counts, costs)
    (run.folder / "scan.md").write_text(text, encoding="utf-8")
    if arguments.quick:
        print(text)
        return 0
    from benchmarks.scanning.plot import draw

    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "scan.md").write_text(text, encoding="utf-8")
    draw(RESULTS / "scan.png", counts, costs)
    print(text[: text.index("## Found and accused")])
    print(f"written to {RESULTS / 'scan.md'} and scan.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
