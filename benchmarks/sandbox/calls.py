"""What is added to one call: by the sandbox, by a pipe and by a manager, over the same call in process."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np

from benchmarks.sandbox.goals import Goal, spread
from benchmarks.sandbox.models import Signed
from benchmarks.sandbox.others import manager_call, pipe_call

__all__ = ["measure_calls"]

WAYS = ("in process", "sandbox", "Pipe", "Manager")
MICRO = 1e6


def _timed(call: Callable[[Any], Any], rows: Any, runs: int) -> list[float]:
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        call(rows)
        seconds.append(time.perf_counter() - start)
    return seconds


def _alternating(
    calls: dict[str, Callable[[Any], Any]], rows: Any, runs: int, blocks: int
) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(blocks):
        for name, call in calls.items():
            _timed(call, rows, max(3, runs // 10))  # warm again after the others
            seconds[name] += _timed(call, rows, runs)
    return seconds


def _copied(rows: Any, runs: int) -> float:
    """Return the median of a memcpy of the data that crosses."""
    there = np.empty_like(rows)
    seconds = _timed(lambda source: np.copyto(there, source), rows, runs + 3)[3:]
    return spread(seconds).median


def measure_calls(signed: Signed, quick: bool) -> tuple[str, list[Goal]]:
    """Measure ``predict`` of a model that answers a constant, for one row, a thousand, and a hundred thousand."""
    runs, blocks = (200, 3) if quick else (500, 9)
    few = 5 if quick else 10
    cases = (
        ("1x20", signed.narrow, signed.rows[:1], runs),
        ("1000x20", signed.narrow, signed.rows, runs),
        ("100,000x50 (40 MB)", signed.wide, signed.many, few),
    )
    lines = [
        "## Calls\n",
        "`predict` of a `DummyRegressor`, float64; µs, median (quartiles), and what is added to the call in process.\n",
        f"| rows | {' | '.join(WAYS)} | sandbox adds | Pipe adds | Manager adds |",
        "|---|" + "---:|" * (len(WAYS) + 3),
    ]
    added: list[dict[str, float]] = []
    for number, (label, model, rows, count) in enumerate(cases):
        with ExitStack() as stack:
            proxy = stack.enter_context(signed.loaded(signed.saved(model, f"constant{number}")))
            calls = {
                "in process": model.predict,
                "sandbox": proxy.predict,
                "Pipe": stack.enter_context(pipe_call(model)),
                "Manager": stack.enter_context(manager_call(model)),
            }
            seconds = _alternating(calls, rows, count, blocks)
        spreads = {name: spread(values) for name, values in seconds.items()}
        base = spreads["in process"].median
        added.append({name: each.median - base for name, each in spreads.items()})
        cells = [spreads[name].text(MICRO) for name in WAYS]
        more = [f"{added[-1][name] * MICRO:,.1f}" for name in WAYS[1:]]
        lines.append(f"| {label} | {' | '.join((*cells, *more))} |")
    copy = _copied(signed.many, 20)
    lines.append(f"\nA memcpy of the 40 MB that cross: {copy * MICRO:,.0f} µs.")
    return "\n".join(lines), _goals(added, copy)


def _goals(added: list[dict[str, float]], copy: float) -> list[Goal]:
    one, thousand, many = added
    bounds = ((one, 40.0, "1x20", 2), (thousand, 60.0, "1000x20", 3))
    goals = [
        Goal(f"added to a call, {label}", bound, case["sandbox"] * MICRO, "µs")
        for case, bound, label, _ in bounds
    ]
    goals.append(Goal("added to a call, 100,000x50", 2.0, many["sandbox"] / copy, "memcpy"))
    for case, label, times in ((one, "1x20", 2), (thousand, "1000x20", 3), (many, "100,000x50", 20)):
        goals.append(
            Goal(f"Manager adds, {label}", times, case["Manager"] / case["sandbox"], "times as much", True)
        )
    return goals
