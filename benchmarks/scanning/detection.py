"""Ask every scanner about every file of the corpus, and count by class."""

from __future__ import annotations

import itertools
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.corpus.sample import Written
from benchmarks.scanning.scanners import Answer, Scanner

__all__ = ["Count", "Verdicts", "ask", "count", "sampled"]

_KINDS = ("malicious", "bomb", "benign", "by-value")


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What one scanner said: answers by the path in the corpus, and how many seconds it took in all."""

    answers: dict[str, Answer]
    asked: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Count:
    """Files of one class: how many were asked about, named, and refused (named or another exit code than 0)."""

    files: int
    named: int
    refused: int


def sampled(entries: Sequence[Written], wanted: int) -> list[Written]:
    """Return ``wanted`` entries (0: all), evenly from each class so that none is left out."""
    if not wanted or wanted >= len(entries):
        return list(entries)
    groups = defaultdict(list)
    for entry in entries:
        groups[entry.group].append(entry)
    share = wanted / len(entries)
    chosen = []
    for group in groups.values():
        most = max(1, round(len(group) * share))
        chosen += [group[int(index * len(group) / most)] for index in range(most)]
    return chosen


def ask(
    label: str, scanner: Scanner, corpus: Path, entries: Sequence[Written], kept: Path, *, quick: bool
) -> Verdicts:
    """Return the scanner's answers; those of an earlier run that lie in ``kept`` are taken."""
    if kept.exists():
        whole = json.loads(kept.read_text(encoding="utf-8"))
        answers = {path: Answer(**answer) for path, answer in whole["answers"].items()}
        return Verdicts(answers, whole["asked"], whole["seconds"])
    start = time.perf_counter()
    answers = {}
    asked = 0
    for kind in _KINDS:
        mine = [entry for entry in entries if entry.kind == kind]
        if kind == "bomb" and label != "secureload":
            continue  # most peers have no limits: they would be killed one after the other
        few = scanner.sample[0 if kind in ("malicious", "bomb") else 1]
        chosen = sampled(mine, min(few, 40) or 40 if quick else few)
        asked += len(chosen)
        for group, members in itertools.groupby(chosen, key=lambda entry: Path(entry.path).parts[1]):
            folder = corpus / kind / group
            paths = [corpus / entry.path for entry in members]
            for path, answer in scanner.answers(folder, paths, _seconds(scanner, len(paths))).items():
                answers[str(path.relative_to(corpus))] = answer
    verdicts = Verdicts(answers, asked, time.perf_counter() - start)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(asdict(verdicts)), encoding="utf-8")
    return verdicts


def _seconds(scanner: Scanner, files: int) -> float:
    return max(60.0, files * 2.0) if scanner.sample[0] else 600.0


def count(verdicts: Verdicts, entries: Sequence[Written]) -> dict[str, dict[str, Count]]:
    """Return the counts by kind and class; only files with an answer count."""
    found: dict[str, dict[str, list[Answer]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        if entry.path in verdicts.answers:
            found[entry.kind][entry.group].append(verdicts.answers[entry.path])
    return {
        kind: {
            group: Count(len(said), sum(a.named for a in said), sum(a.refused for a in said))
            for group, said in groups.items()
        }
        for kind, groups in found.items()
    }
