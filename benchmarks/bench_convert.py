"""Formats side by side, in one run: ``python -m benchmarks.bench_convert`` writes ``benchmarks/results/convert.md``.

Load and save are measured in this process (the files were just written by it), medians of several, in turns.
"""

from __future__ import annotations

import gc
import pickle
import statistics
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from backports import zstd
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.machine import machine
from secureload.convert.targets import onnx_file
from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.roles.onnx_model import OnnxModel
from secureload.structured.decoder import decode
from secureload.structured.encoder import encode
from secureload.structured.known import default_known

RESULTS = Path(__file__).parent / "results" / "convert.md"
KNOWN = default_known()


def seconds(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """The medians of several calls of each, in turns, garbage collected before each: what disturbs one disturbs all."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            gc.collect()
            begun = time.perf_counter()
            call()
            taken[name].append(time.perf_counter() - begun)
    return {name: statistics.median(times) for name, times in taken.items()}


def per_call(call: Callable[[], Any], rounds: int) -> float:
    """The median of many calls, one after the other, as a service makes them."""
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def written(model: Any) -> bytes:
    """The structured file of a model."""
    return b"".join(encode(model, KNOWN, {}).pieces)


def loads(model: Any, folder: Path, rounds: int = 15, skops: bool = True) -> dict[str, tuple[float, float]]:
    """Size in MB and seconds of the load, of each format."""
    plain = pickle.dumps(model, 5)
    files = {"joblib": folder / "m.joblib", "joblib 3": folder / "m3.joblib"}
    joblib.dump(model, files["joblib"])
    joblib.dump(model, files["joblib 3"], compress=3)
    data = written(model)
    buffer = bytearray(data)
    packed = zstd.compress(data, 9)
    sizes = {
        "pickle 5": len(plain),
        **{name: file.stat().st_size for name, file in files.items()},
        "structured": len(data),
        "structured, zstd": len(packed),
    }
    calls: dict[str, Callable[[], Any]] = {
        "pickle 5": lambda: pickle.loads(plain),
        "joblib": lambda: joblib.load(files["joblib"]),
        "joblib 3": lambda: joblib.load(files["joblib 3"]),
        "structured": lambda: decode(buffer, KNOWN),
        "structured, zstd": lambda: decode(bytearray(zstd.decompress(packed)), KNOWN),
    }
    if skops:
        import skops.io

        archive = skops.io.dumps(model, compression=zipfile.ZIP_STORED)
        trusted = skops.io.get_untrusted_types(data=archive)
        sizes["skops"] = len(archive)
        calls["skops"] = lambda: skops.io.loads(archive, trusted=trusted)
    return {name: (sizes[name] / 1e6, taken) for name, taken in seconds(calls, rounds).items()}


def table(title: str, found: dict[str, tuple[float, float]]) -> list[str]:
    """One measurement as Markdown."""
    own = found["structured"][1]
    rows = [
        f"| {name} | {size:,.2f} | {taken * 1e3:,.1f} | {taken / own:.2f} |"
        for name, (size, taken) in found.items()
    ]
    return [
        f"## {title}",
        "",
        "| format | MB | load ms | against structured |",
        "|---|---|---|---|",
        *rows,
        "",
    ]


def one_row(model: Any, rows: Any) -> list[str]:
    """One row through scikit-learn and through onnxruntime, in this process."""
    onnx_file.prepare()
    (data,) = onnx_file.encode(model, (), DEFAULT_LIMITS, {"dtype": "float32"})
    after = OnnxModel(data)
    row = rows[:1].astype(np.float32)
    one, other = per_call(lambda: model.predict(row), 50), per_call(lambda: after.predict(row), 1_000)
    ratio = one / other
    return [
        "## One row of the forest",
        "",
        f"scikit-learn {one * 1e3:.2f} ms, ONNX {other * 1e6:.0f} µs: {ratio:,.0f} x.",
        "",
    ]


def main() -> None:
    """Measure and write the page."""
    warnings.simplefilter("ignore")
    rows, labels = make_classification(4_000, 20, n_informative=10, n_classes=3, random_state=0)
    forest = RandomForestClassifier(100, random_state=0, n_jobs=2)
    pipeline = make_pipeline(StandardScaler(), PCA(10), forest).fit(rows, labels)
    lines = ["# Converting, and what formats cost", "", f"`make bench-convert` on {machine()}.", ""]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines += table("StandardScaler, PCA, forest of 100 trees", loads(pipeline, folder))
        arrays = {
            "a": np.random.default_rng(0).random((5_000, 2_500)),
            "b": np.random.default_rng(1).random((5_000, 2_500)),
        }
        lines += table("200 MB of arrays", loads(arrays, folder, 5, skops=False))
        words = [
            " ".join(f"w{number}" for number in range(start, start + 100)) for start in range(0, 200_000, 100)
        ]
        lines += table(
            "A Tfidf of 200,000 terms", loads(TfidfVectorizer().fit(words), folder, 5, skops=False)
        )
    forest.set_params(n_jobs=None)
    lines += one_row(pipeline, rows)
    lines += ["Which estimators become ONNX: [onnx.md](onnx.md).", ""]
    RESULTS.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
