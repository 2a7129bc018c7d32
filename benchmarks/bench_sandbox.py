"""What the sandbox costs: loading, calling, memory and its end, beside joblib and multiprocessing in the same run.

Run it with ``make bench-sandbox``; it takes some minutes, prints its tables with yes or no for everything that must
be reached, and writes benchmarks/results/sandbox.md. ``--quick`` takes fewer runs and writes nothing. Blocks of calls
alternate, so that a slow moment of the machine meets all of them; every figure is a median with its quartiles.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.sandbox.calls import measure_calls
from benchmarks.sandbox.goals import Goal, goals_table
from benchmarks.sandbox.life import measure_end, measure_memory
from benchmarks.sandbox.loads import measure_loads
from benchmarks.sandbox.models import Signed

RESULTS = Path(__file__).parent / "results" / "sandbox.md"
COMMAND = "python -m benchmarks.bench_sandbox"


def report(folder: Path, quick: bool) -> tuple[str, list[Goal]]:
    """Measure everything; return the tables and the goals."""
    signed = Signed(folder)
    parts: list[str] = []
    goals: list[Goal] = []
    for measure in (measure_calls, measure_loads, measure_memory, measure_end):
        text, reached = measure(signed, quick)
        parts.append(text)
        goals += reached
        print(f"{text}\n", flush=True)
    return "\n\n".join([goals_table(goals), *parts]), goals


def main() -> None:
    """Measure, print, and write the result."""
    parser = argparse.ArgumentParser(description="Measure what the sandbox costs.")
    parser.add_argument("--quick", action="store_true", help="fewer runs, nothing is written")
    quick = parser.parse_args().quick
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="secureload-bench-") as folder:
        text, goals = report(Path(folder), quick)
    about = f"{machine()}. Load average before the run: {load:.2f}."
    print(f"{about}\n\n{goals_table(goals)}")
    if not quick:
        RESULTS.parent.mkdir(exist_ok=True)
        head = f"# The sandbox: what it costs\n\nMade by `make bench-sandbox` (`{COMMAND}`); the figures of your "
        RESULTS.write_text(f"{head}machine will differ.\n\n{about}\n\n{text}\n", encoding="utf-8")
        print(f"\nwritten to {RESULTS}")


if __name__ == "__main__":
    main()
