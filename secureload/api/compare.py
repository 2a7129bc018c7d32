"""``compare()``: one model in every format: size, save, load, memory, latency, and whether it stayed the same.

Each format is loaded several times, each time by a fresh confined worker, in one run; what is shown are medians.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from secureload.api.check import allow_list
from secureload.api.convert import Admission
from secureload.artifact.artifact import open_artifact
from secureload.convert.catalog import TARGETS
from secureload.convert.proof import Tolerance, compare_outputs
from secureload.convert.written import beside
from secureload.errors import ConversionError, SecureloadError, UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.sandbox.converting import ConvertingWorker
from secureload.scan.allowlist import AllowList
from secureload.values import dataclass, field

__all__ = ["FORMATS", "Comparison", "Measured", "compare"]

# Name → (target, what its converter is told, suffix).
FORMATS: dict[str, tuple[str, Mapping[str, Any], str]] = {
    "pickle 5": ("pickle", {}, ".pkl"),
    "joblib 0": ("joblib", {}, ".joblib"),
    "joblib 3": ("joblib", {"compress": 3}, ".joblib"),
    "joblib 9": ("joblib", {"compress": 9}, ".joblib"),
    "joblib lz4": ("joblib", {"compress": ["lz4", 3]}, ".joblib"),
    "skops": ("skops", {}, ".skops"),
    "safetensors": ("safetensors", {}, ".safetensors"),
    "safetensors zstd": ("safetensors", {"zstd": True}, ".safetensors.zst"),
    "onnx": ("onnx", {"dtype": "float32"}, ".onnx"),
}
_SEED = 20_260_101
_BATCH_ROWS = 2_000
_ROUNDS = 30
# A save that takes longer than this is measured once.
_SLOW_SECONDS = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One format: sizes in bytes, times in seconds (medians), None for what could not be measured, and why."""

    format: str
    size: int | None = None
    save: float | None = None
    load: float | None = None
    peak: float | None = None
    row: float | None = None
    batch: float | None = None
    identical: str = ""
    runs_code: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All formats of one model; ``method`` is what was called on ``rows`` rows, "" where it predicts nothing."""

    model: str
    source: Path
    method: str
    rows: int
    repeats: int
    measured: tuple[Measured, ...] = field(default_factory=tuple)


def compare(
    path: str | os.PathLike[str],
    formats: Iterable[str] | None = None,
    *,
    repeats: int = 5,
    allow: Iterable[str] | AllowList = (),
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[str], None] | None = None,
) -> Comparison:
    """Save the admitted model at ``path`` in each format, and measure it; nothing is kept.

    Raises:
        PolicyError, UsageError, ArtifactError: as :func:`~secureload.api.convert.convert`.
        SandboxError: a worker died or is not to be had.
    """
    names = tuple(FORMATS if formats is None else formats)
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        raise UsageError(
            f"there is no format {printable(', '.join(unknown), 80)!r}", hint=f"some of: {', '.join(FORMATS)}"
        )
    admission = Admission(allow if isinstance(allow, AllowList) else allow_list(allow), limits)
    targets = {FORMATS[name][0] for name in names}
    with open_artifact(path, limits, expect="file") as artifact:
        admitted, reading = admission.admit(artifact)
        with admission.worker(admitted.artifact, reading, sorted(_installed(targets))) as worker:
            run = _Run(worker, admission, repeats)
            measured = []
            for name in names:
                if progress is not None:
                    progress(name)
                measured.append(run.measure(name))
            return Comparison(
                model=str(run.told["type"]),
                source=Path(path),
                method=run.method,
                rows=run.rows,
                repeats=repeats,
                measured=tuple(measured),
            )


def _installed(targets: Iterable[str]) -> set[str]:
    import importlib.util

    return {
        name
        for name in targets
        if all(importlib.util.find_spec(library) for library in TARGETS[name].libraries)
    }


class _Run:
    """One run: the model's worker, its inputs and its outputs."""

    def __init__(self, worker: ConvertingWorker, admission: Admission, repeats: int) -> None:
        self._worker = worker
        self._admission = admission
        self._repeats = repeats
        self.told = worker.ask("describe")
        methods = [name for name in ("predict", "transform") if name in self.told["methods"]]
        self.method = methods[0] if methods else ""
        given = worker.ask("inputs", seed=_SEED, single=True, missing=False) if methods else []
        self._given = given[:1]
        self.method = self.method if given else ""
        self._before = worker.ask("outputs", given=self._given, methods=self.told["methods"]) if given else []
        self._batch = self._repeated(given[0]) if given else []
        self.rows = len(self._batch)

    def _repeated(self, rows: Any) -> Any:
        if not len(rows) or not hasattr(rows, "shape") or not hasattr(rows, "dtype"):
            return rows
        import numpy as np

        return np.resize(rows, (_BATCH_ROWS, *rows.shape[1:]))

    def measure(self, name: str) -> Measured:
        """Return what was measured of one format; what cannot be made in it says why."""
        target, options, suffix = FORMATS[name]
        runs_code = not TARGETS[target].code_free
        try:
            if not _installed({target}):
                raise ConversionError(f"not installed: {', '.join(TARGETS[target].libraries)}")
            saved = self._worker.ask("save", target=target, options=dict(options))
            times = [saved["seconds"]]
            while len(times) < self._repeats and times[0] < _SLOW_SECONDS:
                times.append(self._worker.ask("save", target=target, options=dict(options))["seconds"])
            return self._read_back(
                name, target, suffix, memoryview(saved["data"]), statistics.median(times), runs_code
            )
        except SecureloadError as error:
            return Measured(format=name, runs_code=runs_code, reason=error.message)

    def _read_back(
        self, name: str, target: str, suffix: str, data: memoryview, save: float, runs_code: bool
    ) -> Measured:  # what was made of it
        found: list[Mapping[str, float]] = []
        identical = ""
        with (
            tempfile.TemporaryDirectory() as folder,
            beside(Path(folder) / f"model{suffix}", data) as fresh,
            open_artifact(fresh, self._admission.limits, expect="file") as written,
        ):
            admitted, reading = self._admission.admit(written)
            for number in range(self._repeats):
                with self._admission.worker(admitted.artifact, reading, [target]) as after:
                    # The ONNX of a feature selection has no predict: what it lacks is not timed.
                    method = self.method if self.method in after.ask("describe")["methods"] else ""
                    given = {"given": self._batch, "method": method, "rounds": _ROUNDS}
                    found.append(after.ask("measure", **given))
                    if number == 0 and self.method:
                        identical = self._identical(after)
        middle = {key: statistics.median(one[key] for one in found) for key in found[0]}
        return Measured(
            format=name,
            size=len(data),
            save=save,
            identical=identical,
            runs_code=runs_code,
            load=middle["load"],
            peak=middle["peak"],
            row=middle.get("row"),
            batch=middle.get("batch"),
        )

    def _identical(self, after: ConvertingWorker) -> str:
        methods = [name for name in after.ask("describe")["methods"] if name in self.told["methods"]]
        outputs = after.ask("outputs", given=self._given, methods=methods)
        before = [{name: one[name] for name in methods} for one in self._before]
        proof = compare_outputs(before, outputs, Tolerance(1e-4, 1e-3))
        return proof.tier.value
