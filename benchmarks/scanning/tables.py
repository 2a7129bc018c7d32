"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmarks.scanning.detection import Count
from benchmarks.scanning.goals import Goal, total
from benchmarks.scanning.scanners import SCANNERS
from benchmarks.scanning.speed import Baselines, Cost

__all__ = ["classes_table", "cost_tables", "goals_table", "summary_table"]

_Counts = Mapping[str, Mapping[str, Mapping[str, Count]]]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int = 1) -> str:
    marks = ["---"] * texts + ["---:"] * (len(head) - texts)
    lines = [head, marks, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def goals_table(goals: Iterable[Goal]) -> str:
    """Return what must be reached, with yes or no."""
    rows = [(goal.what, goal.measured, "yes" if goal.reached else "**no**") for goal in goals]
    return _table(("to be reached", "measured", "reached"), rows, texts=3)


def summary_table(counts: _Counts) -> str:
    """Return a line a scanner: shares of malicious files named and refused, and of benign ones."""
    rows = []
    for label, kinds in counts.items():
        bad, good = total(kinds["malicious"]), total(kinds["benign"])
        rows.append(
            (
                label, SCANNERS[label].named_means, f"{bad.files:,} + {good.files:,}",
                _share(bad.named, bad.files), _share(bad.refused, bad.files),
                _share(good.named, good.files), _share(good.refused, good.files),
            )
        )  # fmt: skip
    head = (
        "scanner", "named means", "files", "malicious: named", "refused", "benign: accused", "refused",
    )  # fmt: skip
    return _table(head, rows, texts=2)


def classes_table(counts: _Counts, kind: str, labels: Sequence[str]) -> str:
    """Return a line a class: named / refused of how many, for each scanner."""
    rows: list[Sequence[str]] = []
    for group, mine in sorted(counts["secureload"].get(kind, {}).items()):
        cells = [_cell(counts[label].get(kind, {}).get(group), mine.files) for label in labels]
        rows.append((group, f"{mine.files:,}", *cells))
    return _table(("class", "files", *labels), rows)


def _cell(found: Count | None, whole: int) -> str:
    if found is None:
        return "-"
    sample = "" if found.files == whole else f" of {found.files}"
    return f"{found.named} / {found.refused}{sample}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def cost_tables(costs: Mapping[str, Mapping[str, Cost]], base: Baselines) -> Iterator[str]:
    """Yield a table a task, the fastest first, with ratios to the fastest peer."""
    for task, entries in costs.items():
        peers = {label: entry for label, entry in entries.items() if label != "secureload"}
        fastest = min(peers.values(), key=lambda entry: entry.wall)
        rows = []
        for label, entry in sorted(entries.items(), key=lambda pair: pair[1].wall):
            copy = f"{entry.memory:.0f} + {entry.memfd:.0f}" if entry.memfd >= 1 else f"{entry.memory:.0f}"
            rows.append(
                (
                    label, f"{entry.wall:.3f}", f"{entry.wall / fastest.wall:.2f}", f"{entry.cpu:.3f}",
                    copy, str(entry.runs), entry.ended,
                )
            )  # fmt: skip
        head = ("scanner", "wall s", "to the fastest peer", "CPU s", "peak MB", "runs", "ended")
        yield f"### {task}\n\n{_table(head, rows)}"
    more = ((base.joblib - base.small) * 1e3, (base.pickle - base.small) * 1e3)
    yield (
        f"`pickle.load` of the dictionary takes {base.load:.2f} s of CPU. Tracing alone, in a process that has "
        f"started: {base.small * 1e3:.1f} ms for the small file; {more[0]:+.1f} ms for 1 GB of joblib, "
        f"{more[1]:+.1f} ms for 1 GB of pickle. The rest of the wall time "
        "of 1 GB is reading, hashing and keeping the bytes that were examined."
    )
