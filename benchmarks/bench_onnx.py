"""What of scikit-learn becomes ONNX: ``python -m benchmarks.bench_onnx`` writes ``benchmarks/results/onnx.md``.

Every estimator of ``all_estimators()`` is fitted, classifiers on two classes too, and converted in single and in double
precision: by skl2onnx alone, as its documentation shows it (``to_onnx`` with a row of the data), and as ``secureload
convert --to onnx`` does it. Converted means that onnxruntime answers; what the proof then says is shown beside it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import skl2onnx
from sklearn.base import clone, is_classifier

from benchmarks.machine import machine
from secureload.api.convert import SEED, TOLERANCES
from secureload.convert.inputs import inputs_for
from secureload.convert.outputs import methods_of, outputs_for
from secureload.convert.proof import Compared, Tier, compare_outputs
from secureload.convert.targets import onnx_file
from secureload.errors import SecureloadError
from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.roles.onnx_model import OnnxModel
from secureload.scan.allow.estimators import estimators, training_sets

RESULTS = Path(__file__).parent / "results" / "onnx.md"
PRECISIONS = ("float32", "float64")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case in one precision: whether each way made something that runs, and the proof of ours."""

    alone: bool
    ours: bool
    proof: Compared | None


def cases() -> Iterator[tuple[str, Any, Any]]:
    """Yield (label, fitted model, its training rows)."""
    rows = {name: data[0] for name, data in training_sets()}
    two = next(data for name, data in training_sets() if name == "two classes")
    for _, label, model in estimators(thorough=False):
        name = label.rpartition(", ")[2]
        yield label, model, rows[name]
        if is_classifier(model) and name == "three classes":
            other = clone(model)
            try:
                if "n_components" in other.get_params(deep=False):
                    other.set_params(n_components=None)  # two classes have one component
                other.fit(*two)
            except Exception:  # it takes no two classes
                continue
            yield label.replace(name, "two classes"), other, two[0]


def alone(model: Any, rows: Any, precision: str) -> bool:
    """Whether skl2onnx converts it from a row of the data, and onnxruntime answers for those rows."""
    rows = np.asarray(rows)
    given = [rows.astype(precision)] if rows.dtype.kind in "fiu" else []
    settings = [{id(model): {"zipmap": False}}, None] if is_classifier(model) else [None]
    for data in (*given, rows):
        for options in settings:
            try:
                made = skl2onnx.to_onnx(model, data[:1], options=options).SerializeToString()
                session = onnxruntime.InferenceSession(made, providers=["CPUExecutionProvider"])
                session.run(None, {session.get_inputs()[0].name: data})
            except Exception:  # the next way to ask
                continue
            return True
    return False


def ours(model: Any, precision: str) -> tuple[bool, Compared | None]:
    """Whether it is converted here, and what the proof says."""
    try:
        (data,) = onnx_file.encode(model, (), DEFAULT_LIMITS, {"dtype": precision})
        after = OnnxModel(data)
    except SecureloadError:
        return False, None
    given = inputs_for(model, SEED, single=precision == "float32")
    methods = [name for name in methods_of(model) if hasattr(after, name)]
    if not given or not methods:
        return True, None
    before = outputs_for(model, given, methods)
    return True, compare_outputs(before, outputs_for(after, given, methods), TOLERANCES[precision])


def passed(outcome: Outcome) -> bool:
    """Whether the proof lets it through."""
    return outcome.proof is not None and outcome.proof.tier is not Tier.FAILED


def said(outcome: Outcome) -> str:
    """The outcome as a cell."""
    if not outcome.ours:
        return "not converted"
    if outcome.proof is None:
        return "converted, nothing to compare"
    return "**refused**" if outcome.proof.tier is Tier.FAILED else str(outcome.proof.tier)


def page(found: dict[str, tuple[bool, dict[str, Outcome]]]) -> str:
    """The page as Markdown."""
    lines = [
        "# What of scikit-learn becomes ONNX",
        "",
        f"`python -m benchmarks.bench_onnx` on {machine()}, skl2onnx {skl2onnx.__version__},",
        f"onnxruntime {onnxruntime.__version__}: {len(found)} fitted cases.",
        "",
        "| | float32 | float64 |",
        "|---|---:|---:|",
    ]
    counts = {
        "skl2onnx alone: converted, and onnxruntime answers": lambda one, _: one.alone,
        "secureload: converted, and onnxruntime answers": lambda one, _: one.ours,
        "converted by skl2onnx alone, and not by secureload": lambda one, _: one.alone and not one.ours,
        "the proof lets through": lambda one, _: passed(one),
        "of them classifiers": lambda one, classifies: passed(one) and classifies,
    }
    for name, wanted in counts.items():
        cells = [sum(bool(wanted(one[p], kind)) for kind, one in found.values()) for p in PRECISIONS]
        lines.append(f"| {name} | {cells[0]} | {cells[1]} |")
    for name in ("ties", "flips"):
        cells = [
            sum(getattr(one[p].proof, name) for kind, one in found.values() if passed(one[p]) and kind)
            for p in PRECISIONS
        ]
        what = "at exact ties" if name == "ties" else "elsewhere"
        lines.append(f"| labels of those classifiers that differ {what} | {cells[0]} | {cells[1]} |")
    lines += ["", "## Refused, because the proof found a difference", ""]
    for precision in PRECISIONS:
        for label, (_, one) in found.items():
            proof = one[precision].proof
            if proof is not None and proof.tier is Tier.FAILED:
                why = "; ".join(proof.reasons[:2]).split(" Status Message")[0][:260]
                lines.append(f"* {label} ({precision}): {why}")
    lines += [
        "",
        "## Case by case",
        "",
        "| case | alone, float32 | secureload, float32 | alone, float64 | secureload, float64 |",
    ]
    lines.append("|---|---|---|---|---|")
    neither = []
    for label, (_, one) in found.items():
        if not any(one[p].alone or one[p].ours for p in PRECISIONS):
            neither.append(label)
            continue
        cells = [text for p in PRECISIONS for text in ("yes" if one[p].alone else "no", said(one[p]))]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    lines += ["", "## Not converted by either", "", "; ".join(neither) + ".", ""]
    return "\n".join(lines)


def main() -> None:
    """Measure and write the page."""
    warnings.simplefilter("ignore")
    onnxruntime.set_default_logger_severity(4)
    onnx_file.prepare()
    found = {}
    for label, model, rows in cases():
        while label in found:
            label += " (again)"
        outcomes = {p: Outcome(alone(model, rows, p), *ours(model, p)) for p in PRECISIONS}
        found[label] = is_classifier(model), outcomes
    RESULTS.write_text(page(found), encoding="utf-8")
    print(page(found).partition("## Case by case")[0])


if __name__ == "__main__":
    main()
