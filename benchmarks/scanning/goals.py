"""What must be reached, each line computed from the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.scanning.detection import Count
from benchmarks.scanning.speed import Baselines, Cost

__all__ = ["Goal", "goals", "total"]

_OURS = "secureload"
_FITTED = "scikit-learn"
# These are told to be of another version than the one that is installed: that flag is right.
_OLDER = "scikit-learn, releases of 2023"


@dataclass(frozen=True, slots=True)
class Goal:
    """One line: what is to be reached, what was measured, and whether that is enough."""

    what: str
    measured: str
    reached: bool


def total(groups: Mapping[str, Count]) -> Count:
    """Return the sum over all classes."""
    every = list(groups.values())
    columns = ("files", "named", "refused", "flagged")
    return Count(*(sum(getattr(found, column) for found in every) for column in columns))


def goals(
    counts: Mapping[str, Mapping[str, Count]], costs: Mapping[str, Mapping[str, Cost]], base: Baselines
) -> Iterator[Goal]:
    """Yield every line for our own scanner's ``counts`` and everybody's ``costs``."""
    yield from _judgement(counts)
    yield from _speed(costs, base)


def _judgement(counts: Mapping[str, Mapping[str, Count]]) -> Iterator[Goal]:
    bad, good = total(counts["malicious"]), total(counts["benign"])
    yield Goal(
        "malicious: all rejected or undecided", f"{bad.refused:,} of {bad.files:,}", bad.refused == bad.files
    )
    share = bad.named / bad.files
    yield Goal("malicious: at least 99 % rejected by name", f"{share:.2%} ({bad.named:,})", share >= 0.99)
    yield Goal("benign: none rejected", f"{good.named} of {good.files:,}", good.named == 0)
    fitted, older = counts["benign"][_FITTED], counts["benign"][_OLDER]
    left = fitted.files - fitted.refused - fitted.flagged
    line = "every all_estimators() model accepted without a flag"
    yield Goal(line, f"{left:,} of {fitted.files:,}", left == fitted.files)
    left = older.files - older.refused
    line = "the same of releases of 2023: accepted, and their version told"
    yield Goal(line, f"{left:,} of {older.files:,}", left == older.files == older.flagged)
    bombs = total(counts["bomb"])
    yield Goal(
        "bombs: none accepted", f"{bombs.refused} of {bombs.files} stopped", bombs.refused == bombs.files
    )


def _speed(costs: Mapping[str, Mapping[str, Cost]], base: Baselines) -> Iterator[Goal]:
    for label, task, seconds in (
        ("1 GB joblib", "1 GB joblib", base.joblib),
        ("1 GB pickle", "1 GB pickle, protocol 5", base.pickle),
    ):
        more = (seconds - base.small) * 1e3
        yield Goal(f"{label}: less than 50 ms of tracing beyond start-up", f"{more:.1f} ms", more < 50)
        peak = costs[task][_OURS].memory
        yield Goal(f"{label}: less than 60 MB at the peak", f"{peak:.0f} MB", peak < 60)
    name = "dictionary of 2 million"
    mine, fastest, peer = costs[name][_OURS], *_fastest(costs[name], "cpu")
    ratio = mine.cpu / base.load
    measured = f"{mine.cpu:.2f} s, {ratio:.2f} times {base.load:.2f} s"
    yield Goal("dictionary: at most twice the CPU of pickle.load", measured, ratio <= 2)
    yield Goal(
        "dictionary: at least 3 times less CPU than the fastest peer", f"{fastest / mine.cpu:.1f} times ({peer})",
        fastest >= 3 * mine.cpu,
    )  # fmt: skip
    yield Goal("dictionary: less than 350 MB", f"{mine.memory:.0f} MB", mine.memory < 350)
    name = "1,000 small models"
    mine, fastest, peer = costs[name][_OURS], *_fastest(costs[name], "wall")
    yield Goal(
        "1,000 small models: at least 5 times faster than the fastest peer",
        f"{mine.wall:.2f} s, {fastest / mine.wall:.1f} times ({peer})",
        fastest >= 5 * mine.wall,
    )
    name = "one small file"
    mine, fastest, peer = costs[name][_OURS], *_fastest(costs[name], "wall")
    yield Goal("one small file: less than 250 ms", f"{mine.wall * 1e3:.0f} ms", mine.wall < 0.25)
    faster = f"{mine.wall * 1e3:.0f} ms against {fastest * 1e3:.0f} ms ({peer})"
    yield Goal("one small file: ahead of every peer", faster, mine.wall < fastest)


def _fastest(costs: Mapping[str, Cost], measure: str) -> tuple[float, str]:
    peers = {label: getattr(entry, measure) for label, entry in costs.items() if label != _OURS}
    label = min(peers, key=lambda name: peers[name])
    return peers[label], label
