"""Formats side by side, in one run: ``python -m benchmarks.bench_convert`` writes ``benchmarks/results/convert.md``.

Load and save are measured in this process (the files were just written by it), medians of several.
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
from sklearn.base import is_classifier
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.machine import machine
from secureload.convert.inputs import inputs_for
from secureload.convert.outputs import methods_of, outputs_for
from secureload.convert.proof import Tier, Tolerance, compare_outputs
from secureload.convert.targets import onnx_file
from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.roles.onnx_model import OnnxModel
from secureload.scan.allow.estimators import estimators
from secureload.structured.decoder import decode
from secureload.structured.encoder import encode
from secureload.structured.known import default_known

RESULTS = Path(__file__).parent / "results" / "convert.md"
KNOWN = default_known()


def seconds(call: Callable[[], Any], rounds: int = 7) -> float:
    """The median of several calls, garbage collected before each."""
    taken = []
    for _ in range(rounds):
        gc.collect()
        begun = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


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


def loads(model: Any, folder: Path, rounds: int = 7, skops: bool = True) -> dict[str, tuple[float, float]]:
    """Size in MB and seconds of the load, of each format."""
    plain = pickle.dumps(model, 5)
    joblib.dump(model, folder / "m.joblib")
    joblib.dump(model, folder / "m3.joblib", compress=3)
    data = written(model)
    buffer = bytearray(data)
    packed = zstd.compress(data, 9)
    found = {
        "pickle 5": (len(plain), seconds(lambda: pickle.loads(plain), rounds)),
        "joblib": (
            (folder / "m.joblib").stat().st_size,
            seconds(lambda: joblib.load(folder / "m.joblib"), rounds),
        ),
        "joblib 3": (
            (folder / "m3.joblib").stat().st_size,
            seconds(lambda: joblib.load(folder / "m3.joblib"), rounds),
        ),
        "structured": (len(data), seconds(lambda: decode(buffer, KNOWN), rounds)),
        "structured, zstd": (
            len(packed),
            seconds(lambda: decode(bytearray(zstd.decompress(packed)), KNOWN), rounds),
        ),
    }
    if skops:
        import skops.io

        archive = skops.io.dumps(model, compression=zipfile.ZIP_STORED)
        trusted = skops.io.get_untrusted_types(data=archive)
        found["skops"] = (len(archive), seconds(lambda: skops.io.loads(archive, trusted=trusted), 3))
    return {name: (size / 1e6, taken) for name, (size, taken) in found.items()}


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


def onnx_cases() -> list[str]:
    """Every fitted estimator through skl2onnx in single precision: converted, let through by the proof, flips."""
    onnx_file.prepare()
    converted = through = ties = flips = classifiers = 0
    for _, _, model in estimators(thorough=False):
        try:
            (data,) = onnx_file.encode(model, (), DEFAULT_LIMITS, {"dtype": "float32"})
            after = OnnxModel(data)
        except Exception:
            continue
        converted += 1
        given = inputs_for(model, 0, single=True, missing=False)
        methods = [name for name in methods_of(model) if hasattr(after, name)]
        if not given or not methods:
            continue
        proof = compare_outputs(
            outputs_for(model, given, methods), outputs_for(after, given, methods), Tolerance(1e-4, 1e-3)
        )
        if proof.tier is Tier.FAILED:
            continue
        through += 1
        if is_classifier(model):
            classifiers += 1
            ties, flips = ties + proof.ties, flips + proof.flips
    return [
        "## ONNX, every estimator that fits, single precision",
        "",
        f"{converted} are converted by skl2onnx and run in onnxruntime; the proof lets {through} through,",
        f"{classifiers} of them classifiers. Of those, labels that differ: {ties} at exact ties, {flips} others.",
        "",
    ]


def one_row(model: Any, rows: Any) -> list[str]:
    """One row through scikit-learn and through onnxruntime, in this process."""
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
        lines += table("200 MB of arrays", loads(arrays, folder, 3, skops=False))
        words = [
            " ".join(f"w{number}" for number in range(start, start + 100)) for start in range(0, 200_000, 100)
        ]
        lines += table(
            "A Tfidf of 200,000 terms", loads(TfidfVectorizer().fit(words), folder, 3, skops=False)
        )
    forest.set_params(n_jobs=None)
    lines += one_row(pipeline, rows)
    lines += onnx_cases()
    RESULTS.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
