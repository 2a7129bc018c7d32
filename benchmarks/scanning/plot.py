"""The results as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.scanning.detection import Count
from benchmarks.scanning.goals import total
from benchmarks.scanning.speed import Cost

__all__ = ["draw"]

_TASKS = ("dictionary of 2 million", "1,000 small models", "1 GB pickle, protocol 5", "one small file")
_OURS, _PEERS, _LIGHT = "#1b6e53", "#8a8f98", "#c9ccd2"


def draw(
    path: Path,
    counts: Mapping[str, Mapping[str, Mapping[str, Count]]],
    costs: Mapping[str, Mapping[str, Cost]],
) -> None:
    """Draw detection, false alarms, and the costs of four tasks."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 3, figsize=(13, 6.6), constrained_layout=True)
    shares = {
        label: {kind: total(groups) for kind, groups in kinds.items()} for label, kinds in counts.items()
    }
    _shares(
        axes[0][0],
        {label: found["malicious"] for label, found in shares.items()},
        "malicious files: named (full), refused (light)",
    )
    _shares(
        axes[0][1],
        {label: found["benign"] for label, found in shares.items()},
        "benign files: accused (full), refused (light)",
    )
    for axis, task in zip([axes[0][2], *axes[1]], _TASKS, strict=True):
        _costs(axis, costs[task], f"{task}: seconds")
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def _shares(axis: Any, counts: Mapping[str, Count], title: str) -> None:
    labels = list(reversed(counts))
    colors = [_OURS if label == "secureload" else _PEERS for label in labels]
    axis.barh(labels, [100 * counts[label].refused / counts[label].files for label in labels], color=_LIGHT)
    bars = axis.barh(
        labels, [100 * counts[label].named / counts[label].files for label in labels], color=colors
    )
    texts = [f"{100 * counts[label].named / counts[label].files:.1f} %" for label in labels]
    axis.bar_label(bars, texts, padding=3, fontsize=8)
    axis.set_xlim(0, 118)
    _titled(axis, title)


def _costs(axis: Any, costs: Mapping[str, Cost], title: str) -> None:
    labels = list(reversed(costs))
    colors = [_OURS if label == "secureload" else _PEERS for label in labels]
    bars = axis.barh(labels, [costs[label].wall for label in labels], color=colors)
    texts = [
        f"{costs[label].wall:.2f}" + (" (killed)" if "killed" in costs[label].ended else "")
        for label in labels
    ]
    axis.bar_label(bars, texts, padding=3, fontsize=8)
    axis.set_xscale("log")
    axis.margins(x=0.25)
    _titled(axis, title)


def _titled(axis: Any, title: str) -> None:
    axis.set_title(title, fontsize=9, loc="left")
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
