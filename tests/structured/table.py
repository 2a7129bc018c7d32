"""Write ``docs/format-safetensors-cases.md`` and the test vectors: ``python -m tests.structured.table``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.structured.cases import fitted_cases
from tests.structured.forging import read, written

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "format-safetensors-cases.md"
VECTORS = Path(__file__).parent / "vectors"


def vectors() -> dict[str, Any]:
    """Small values of every form that does not depend on a release of scikit-learn."""
    shared = np.arange(10.0)
    return {
        "scalars": [
            None,
            True,
            3,
            -0.5,
            float("inf"),
            "text \u00e4",
            b"bytes",
            1 + 2j,
            (1, "two"),
            {"key": [1, 2]},
            {1: "one"},
        ],
        "arrays": {
            "doubles": np.arange(12.0).reshape(3, 4),
            "fortran": np.asfortranarray(np.arange(12, dtype="<f4").reshape(3, 4)),
            "big endian": np.arange(8, dtype=">i4"),
            "text": np.array(["a", "\u00e9\U0001f600", "", "b", "c"]),
            "flags": np.array([True, False] * 4),
            "objects": np.array(["x", None, 1.5], dtype=object),
            "empty": np.zeros((0, 3)),
        },
        "numbers": {
            "vocabulary": {f"term {number}": 99 - number for number in range(100)},
            "large": [number << 40 for number in range(-32, 32)],
            "curve": [1 / number for number in range(1, 65)],
        },
        "shared": [shared, {"again": shared}],
    }


def table() -> str:
    """The table as Markdown: each fitted case, and whether its state is the same to the last bit."""
    lines = [
        "# Fitted cases",
        "",
        "Written by `python -m tests.structured.table`. The state that pickle reproduces is written, read and",
        "written again: *same* says that the bytes are the same.",
        "",
        "| case | state |",
        "|---|---|",
    ]
    for label, model in fitted_cases():
        data = written(model)
        same = type(read(data)) is type(model) and written(read(data)) == data
        lines.append(f"| {label.replace('|', '/')} | {'same' if same else 'another'} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
    for name, value in vectors().items():
        (VECTORS / f"{name}.safetensors").write_bytes(written(value))
