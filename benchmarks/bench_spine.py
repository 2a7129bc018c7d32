"""What checking, verifying and sandboxing cost on the demo's model, against plain joblib.

Run it with ``make bench``; it takes a minute, prints a table, and writes benchmarks/results/spine.md. Every figure
is the median of the runs that stand beside it; the spread is from the lower to the upper quartile.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import secureload
from benchmarks.machine import machine
from secureload.signing.keys import SigningKey
from secureload.trust.store import add_trusted_key

RESULTS = Path(__file__).parent / "results" / "spine.md"
ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement: what, how often, the median and the quartiles in seconds, and what it is compared with."""

    what: str
    runs: int
    median: float
    lower: float
    upper: float
    baseline: str = ""

    @classmethod
    def measured(
        cls, what: str, call: Callable[[], object], runs: int, baseline: str = "", warm: int = 2
    ) -> Row:
        """Call ``call`` ``runs`` times, after ``warm`` calls that do not count."""
        for _ in range(warm):
            call()
        seconds = []
        for _ in range(runs):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
        lower, median, upper = statistics.quantiles(seconds, n=4)
        return cls(what, runs, median, lower, upper, baseline)


class Bench:
    """The demo's model in a folder of its own, signed by a key that its trust store lists."""

    def __init__(self, folder: Path) -> None:
        features, target = load_breast_cancer(return_X_y=True)
        forest = RandomForestClassifier(n_estimators=100, random_state=0)
        self.model = make_pipeline(StandardScaler(), PCA(n_components=10), forest).fit(features, target)
        self.rows = features[[number % len(features) for number in range(ROWS)]]
        self.path = folder / "pipeline.joblib"
        self.store = folder / "trust"
        joblib.dump(self.model, self.path)
        key = SigningKey.generate("bench")
        add_trusted_key(self.store, key.public, name="bench", roles=["signer"])
        secureload.sign(self.path, key=key)
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "SECURELOAD_TRUST_STORE": str(self.store),
        }

    def fresh(self, *arguments: str) -> Callable[[], object]:
        """Return a call that runs a Python of its own, from its start to its exit."""
        command = [sys.executable, *arguments]

        def run() -> None:
            subprocess.run(command, env=self.environment, check=True, stdout=subprocess.DEVNULL)

        return run

    def load_and_close(self) -> None:
        """Load in the sandbox and end the worker."""
        secureload.safe_load(self.path, trust_store=self.store).close()

    def rows_of_the_table(self, quick: bool) -> list[Row]:
        """Measure everything, in the order of the table."""
        path, store = str(self.path), self.store
        few, many = (5, 20) if quick else (15, 200)
        fresh_plain, warm_plain = "joblib.load, fresh process", "joblib.load, warm"
        code = "import sys, joblib; joblib.load(sys.argv[1])"
        confined = "import sys, secureload; secureload.safe_load(sys.argv[1]).close()"
        rows = [
            Row.measured("secureload --help", self.fresh("-m", "secureload", "--help"), few),
            Row.measured("secureload verify", self.fresh("-m", "secureload", "verify", path), few),
            Row.measured("secureload check", self.fresh("-m", "secureload", "check", path), few),
            Row.measured(fresh_plain, self.fresh("-c", code, path), few),
            Row.measured("safe_load, fresh process", self.fresh("-c", confined, path), few, fresh_plain),
            Row.measured("verify(), warm", lambda: secureload.verify(path, trust_store=store), few * 3),
            Row.measured("check(), warm", lambda: secureload.check(path, trust_store=store), few * 2),
            Row.measured(warm_plain, lambda: joblib.load(path), few * 3),
            Row.measured("safe_load() and close(), warm", self.load_and_close, few * 2, warm_plain),
        ]
        with secureload.safe_load(self.path, trust_store=store) as proxy:
            for name in ("predict", "predict_proba"):
                for count, runs in ((1, many), (ROWS, many // 2)):
                    rows += self._pair(proxy, name, count, runs)
        return rows

    def _pair(self, proxy: Any, name: str, count: int, runs: int) -> list[Row]:
        data = self.rows[:count]
        label = f"{name}, {count:,} row{'s' if count > 1 else ''}"
        plain = f"{label}, in process"
        inside, outside = getattr(proxy, name), getattr(self.model, name)
        return [
            Row.measured(plain, lambda: outside(data), runs, warm=5),
            Row.measured(f"{label}, sandboxed", lambda: inside(data), runs, plain, warm=5),
        ]


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table; times in milliseconds."""
    medians = {row.what: row.median for row in rows}
    lines = [
        "| what | median ms | quartiles ms | runs | ratio | more by ms |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        base = medians.get(row.baseline)
        ratio = f"{row.median / base:.2f}" if base else ""
        more = f"{(row.median - base) * 1e3:+.2f}" if base else ""
        spread = f"{row.lower * 1e3:.2f} to {row.upper * 1e3:.2f}"
        lines.append(f"| {row.what} | {row.median * 1e3:.2f} | {spread} | {row.runs} | {ratio} | {more} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the result."""
    parser = argparse.ArgumentParser(description="Measure the spine on the demo's model.")
    parser.add_argument("--quick", action="store_true", help="fewer runs, nothing is written")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory(prefix="secureload-bench-") as folder:
        bench = Bench(Path(folder))
        with secureload.safe_load(bench.path, trust_store=bench.store) as model:
            level = model.confinement.level
        size = bench.path.stat().st_size
        text = table(bench.rows_of_the_table(quick))
    about = (
        f"StandardScaler → PCA(10) → RandomForestClassifier(100), joblib uncompressed, {size:,} bytes; "
        f"sandbox level {level!r}.\n\n{machine()}"
    )
    print(f"{about}\n\n{text}")
    if not quick:
        RESULTS.parent.mkdir(exist_ok=True)
        head = (
            "# The spine: what it costs\n\nMade by `make bench`; the figures of your machine will differ.\n\n"
        )
        RESULTS.write_text(f"{head}{about}\n\n{text}\n", encoding="utf-8")
        print(f"\nwritten to {RESULTS}")


if __name__ == "__main__":
    main()
