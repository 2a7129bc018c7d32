"""Ask every scanner about every file of the corpus, and count by class."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.corpus.sample import Written
from benchmarks.scanning.scanners import Answer, Scanner

__all__ = ["Count", "Verdicts", "ask", "count", "sampled"]

_FOLDER_SECONDS = 600.0
_KINDS = ("malicious", "bomb", "benign", "by-value")


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What one scanner said: answers by the path in the corpus, and how many seconds it took in all."""

    answers: dict[str, Answer]
    asked: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Count:
    """Files of one class: how many were asked about, named, refused (another exit code than 0), only flagged."""

    files: int
    named: int
    refused: int
    flagged: int


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
        few = scanner.sample[0 if kind == "malicious" else 1]
        chosen = sampled(mine, (min(few, 40) or 40) if quick else few)
        asked += len(chosen)
        for folder, paths, seconds in _questions(scanner, corpus, kind, chosen, quick=quick):
            for path, answer in scanner.answers(folder, paths, seconds).items():
                answers[str(path.relative_to(corpus))] = answer
    verdicts = Verdicts(answers, asked, time.perf_counter() - start)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(asdict(verdicts)), encoding="utf-8")
    return verdicts


def _questions(
    scanner: Scanner, corpus: Path, kind: str, chosen: Sequence[Written], *, quick: bool
) -> Iterator[tuple[Path, list[Path], float]]:
    """Yield (folder, files in it, seconds): a class at a time, or all that a scanner of samples is asked about."""
    if scanner.budget:
        # Whatever is not reached in time is missing from all classes alike.
        paths = [corpus / entry.path for entry in chosen]
        random.Random(0).shuffle(paths)
        share = {"malicious": 0.6, "benign": 0.3}.get(kind, 0.1)
        yield corpus / kind, paths, scanner.budget * share * (0.3 if quick else 1.0)
        return
    for group, members in itertools.groupby(chosen, key=lambda entry: Path(entry.path).parts[1]):
        yield corpus / kind / group, [corpus / entry.path for entry in members], _FOLDER_SECONDS


def count(verdicts: Verdicts, entries: Sequence[Written]) -> dict[str, dict[str, Count]]:
    """Return the counts by kind and class; only files with an answer count."""
    found: dict[str, dict[str, list[Answer]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        if entry.path in verdicts.answers:
            found[entry.kind][entry.group].append(verdicts.answers[entry.path])
    return {
        kind: {
            group: Count(
                len(said),
                sum(a.named for a in said),
                sum(a.refused for a in said),
                sum(a.flagged and not a.refused for a in said),
            )
            for group, said in groups.items()
        }
        for kind, groups in found.items()
    }
