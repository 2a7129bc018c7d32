"""Models in a folder of their own, signed by a key that its trust store lists."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.decomposition import PCA
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import secureload
from secureload.signing.keys import SigningKey
from secureload.trust.store import add_trusted_key

__all__ = ["Signed"]

COLUMNS = 20
WIDE_COLUMNS = 50


class Signed:
    """The pipeline of 100 trees, and regressors that answer a constant: what they take is the call itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "trust"
        self._key = SigningKey.generate("bench")
        add_trusted_key(self.store, self._key.public, name="bench", roles=["signer"])
        rng = np.random.default_rng(0)
        self.rows = rng.standard_normal((1_000, COLUMNS))
        self.many = rng.standard_normal((100_000, WIDE_COLUMNS))
        target = (self.rows[:, 0] + 0.5 * rng.standard_normal(1_000) > 0).astype(int)
        forest = RandomForestClassifier(n_estimators=100, random_state=0)
        self.pipeline = make_pipeline(StandardScaler(), PCA(n_components=10), forest).fit(self.rows, target)
        self.narrow = DummyRegressor().fit(self.rows, target)
        self.wide = DummyRegressor().fit(self.many[:1_000], target)
        self.pipeline_path = self.saved(self.pipeline, "pipeline")
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "SECURELOAD_TRUST_STORE": str(self.store),
        }

    def saved(self, model: Any, name: str) -> Path:
        """Save and sign a model."""
        path = self.folder / f"{name}.joblib"
        joblib.dump(model, path)
        secureload.sign(path, key=self._key)
        return path

    def loaded(self, path: Path) -> Any:
        """Load it in the sandbox."""
        return secureload.safe_load(path, trust_store=self.store)
