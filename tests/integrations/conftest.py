"""A signed file, and a small model to save."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.preprocessing import StandardScaler

from secureload.api.sign import sign
from secureload.signing.keys import SigningKey

Save = Callable[..., Path]


@pytest.fixture
def store(alices_trust_store: Path) -> Path:
    return alices_trust_store


@pytest.fixture
def scaler() -> Any:
    return StandardScaler().fit([[1.0], [2.0], [4.0]])


@pytest.fixture
def save(tmp_path: Path, alice: SigningKey) -> Save:
    """Write bytes, or an object by joblib, as a file that alice has signed."""

    def run(value: object, name: str = "model.joblib") -> Path:
        path = tmp_path / name
        if isinstance(value, bytes):
            path.write_bytes(value)
        else:
            joblib.dump(value, path)
        sign(path, key=alice)
        return path

    return run
