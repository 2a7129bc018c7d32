"""A notebook is a place to use a model in: shown, completed, awaited, interrupted, closed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import secureload
from secureload.signing.keys import SigningKey

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")

INTERRUPTED = """
import numpy as np, os, signal, threading
threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    while True:
        model.predict_proba(np.ones((100_000, 4)))
except KeyboardInterrupt:
    print("interrupted")
"""


def shown(cell: Any) -> str:
    """What stands below the cell, in all forms."""
    return "".join(str(output.get("text") or output.get("data") or output) for output in cell.outputs)


def test_a_model_is_used_in_a_notebook(tmp_path: Path, alice: SigningKey, alices_trust_store: Path) -> None:
    path = tmp_path / "model.joblib"
    joblib.dump(LogisticRegression(max_iter=500).fit(*load_iris(return_X_y=True)), path)
    secureload.sign(path, key=alice)
    load = (
        "import secureload, sklearn.linear_model; from pathlib import Path\n"
        f"model = secureload.safe_load({str(path)!r}, trust_store=Path({str(alices_trust_store)!r}))"
    )
    steps = {
        load: "",
        "model": "<iframe sandbox",
        "get_ipython().Completer.use_jedi = False; get_ipython().complete('model.pre')[1]": "predict_log_proba",
        "get_ipython().inspector.info(model.predict)['docstring']": "Predict class labels",
        "await model.apredict([[5.1, 3.5, 1.4, 0.2]])": "array([0])",
        INTERRUPTED: "interrupted",
        "model.predict([[5.1, 3.5, 1.4, 0.2]])": "array([0])",
        "model.close(); model": "in a sandbox that was closed",
    }
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(step) for step in steps])
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    for cell, expected in zip(book.cells, steps.values(), strict=True):
        assert expected in shown(cell), cell.source
