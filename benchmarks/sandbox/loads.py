"""Loading the pipeline: in a fresh process, and in one whose zygote is ready, verification and trace included."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import joblib

from benchmarks.sandbox.goals import Goal, spread
from benchmarks.sandbox.models import Signed

__all__ = ["measure_loads"]

MILLI = 1e3
_PLAIN = "import sys, joblib; joblib.load(sys.argv[1])"
_CONFINED = "import sys, secureload; secureload.safe_load(sys.argv[1]).close()"


def measure_loads(signed: Signed, quick: bool) -> tuple[str, list[Goal]]:
    """Measure ``joblib.load`` and ``safe_load`` in turns, cold and warm."""
    path = signed.pipeline_path

    def fresh(code: str) -> Callable[[], object]:
        command = [sys.executable, "-c", code, str(path)]
        return lambda: subprocess.run(command, env=signed.environment, check=True, stdout=subprocess.DEVNULL)

    cold = _in_turns(fresh(_PLAIN), fresh(_CONFINED), 5 if quick else 15, warm=1)
    warm = _in_turns(
        lambda: joblib.load(path), lambda: signed.loaded(path).close(), 10 if quick else 40, warm=3
    )
    lines = [
        "## Loads\n",
        f"StandardScaler → PCA → RandomForestClassifier(100), joblib, {path.stat().st_size:,} bytes; ms, median "
        "(quartiles). *Fresh* is a process from its start to its exit, *warm* one whose zygotes are ready.\n",
        "| | joblib.load | safe_load | ratio | more by ms |",
        "|---|---:|---:|---:|---:|",
    ]
    medians = []
    for label, (plain, confined) in (("fresh", cold), ("warm", warm)):
        first, second = spread(plain), spread(confined)
        medians.append((first.median, second.median))
        ratio, more = second.median / first.median, (second.median - first.median) * MILLI
        lines.append(f"| {label} | {first.text(MILLI)} | {second.text(MILLI)} | {ratio:.2f} | {more:+.1f} |")
    (cold_plain, cold_confined), (warm_plain, warm_confined) = medians
    return "\n".join(lines), [
        Goal("safe_load in a fresh process", 1.15, cold_confined / cold_plain, "joblib.load"),
        Goal("safe_load, warm, over joblib.load", 80, (warm_confined - warm_plain) * MILLI, "ms"),
    ]


def _in_turns(
    first: Callable[[], object], second: Callable[[], object], runs: int, *, warm: int
) -> tuple[list[float], list[float]]:
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(runs + warm):
        for call, kept in zip((first, second), seconds, strict=True):
            start = time.perf_counter()
            call()
            if number >= warm:
                kept.append(time.perf_counter() - start)
    return seconds
