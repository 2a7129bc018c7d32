"""Signed files, and what it takes to make them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import pytest

import secureload
from secureload.api.sign import sign
from secureload.signing.keys import SigningKey
from secureload.signing.truststore import TrustStore
from secureload.trust.store import load_trust_store

Save = Callable[..., Path]
Load = Callable[..., Any]


@pytest.fixture(scope="session")
def store(alices_trust_store: Path) -> TrustStore:
    return load_trust_store(alices_trust_store)


@pytest.fixture
def save(tmp_path: Path, alice: SigningKey) -> Save:
    """Write bytes, or an object by joblib, as a file that alice has signed."""

    def run(value: object, name: str = "model.joblib", **options: Any) -> Path:
        path = tmp_path / name
        Path(f"{path}.sig").unlink(missing_ok=True)
        if isinstance(value, bytes):
            path.write_bytes(value)
        else:
            joblib.dump(value, path, **options)
        sign(path, key=alice)
        return path

    return run


@pytest.fixture
def load(save: Save, store: TrustStore) -> Iterator[Load]:
    """Save, sign and load an object; what was loaded is closed at the end."""
    loaded: list[Any] = []

    def run(value: object, **options: Any) -> Any:
        model = secureload.safe_load(save(value, f"model{len(loaded)}.joblib"), trust_store=store, **options)
        loaded.append(model)
        return model

    yield run
    for model in loaded:
        if hasattr(type(model), "close"):
            model.close()
