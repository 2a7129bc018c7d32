"""Children that may break themselves, and signed models to load."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import pytest

import secureload
from secureload.api.sign import sign
from secureload.signing.keys import SigningKey

ROOT = Path(__file__).resolve().parents[2]

Load = Callable[..., Any]


def run_child(code: str, *args: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a fresh interpreter that finds this package and these tests."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *args],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=ROOT,
    )


@pytest.fixture
def load(tmp_path: Path, alice: SigningKey, alices_trust_store: Path) -> Iterator[Load]:
    """Save an object, sign it, and load it in the sandbox; what was loaded is closed at the end."""
    loaded: list[Any] = []

    def run(value: object, **options: Any) -> Any:
        path = tmp_path / f"model{len(loaded)}.joblib"
        joblib.dump(value, path)
        sign(path, key=alice)
        model = secureload.safe_load(path, trust_store=alices_trust_store, **options)
        loaded.append(model)
        return model

    yield run
    for model in loaded:
        if hasattr(type(model), "close"):
            model.close()
