"""Fitted models that somebody added a call to: in front, behind, in an attribute, in an array."""

from __future__ import annotations

import io
import itertools
import pickle
from collections.abc import Iterator
from typing import Any

from benchmarks.corpus.expression import Style, bare
from benchmarks.corpus.gadgets import PAYLOADS
from benchmarks.corpus.planted import PLANTED, Planted
from benchmarks.corpus.sample import Sample

__all__ = ["infected_samples"]


def infected_samples() -> Iterator[Sample]:
    """Yield each model with each infection, the payloads by turns."""
    import joblib

    keys = itertools.cycle(PLANTED)
    for label, model in _models():
        for protocol in (2, 4):
            data = pickle.dumps(model, protocol=protocol)
            call = bare(PAYLOADS[next(keys)], Style(protocol))
            front = data[:2] + call + b"0" + data[2:]
            yield Sample("malicious", "infected models", f"{label}-front-{protocol}.pkl", front)
            behind = data[:-1] + call + b"0."
            yield Sample("malicious", "infected models", f"{label}-behind-{protocol}.pkl", behind)
            replaced = data[:-1] + b"0" + call + b"."
            yield Sample("malicious", "infected models", f"{label}-result-{protocol}.pkl", replaced)
        model.monitor_ = Planted(next(keys))
        yield Sample(
            "malicious", "infected models", f"{label}-attribute.pkl", pickle.dumps(model, protocol=5)
        )
        for compress in (0, 3):
            buffer = io.BytesIO()
            joblib.dump(model, buffer, compress=compress)
            name = f"{label}-attribute-{compress}.joblib"
            yield Sample("malicious", "infected models", name, buffer.getvalue())


def _models() -> Iterator[tuple[str, Any]]:
    import numpy as np
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    rng = np.random.RandomState(0)
    x = rng.rand(60, 4)
    y = np.arange(60) % 3
    models: dict[str, Any] = {
        "forest": RandomForestClassifier(5, random_state=0),
        "boosting": GradientBoostingClassifier(n_estimators=3, random_state=0),
        "logistic": LogisticRegression(),
        "ridge": Ridge(),
        "tree": DecisionTreeClassifier(random_state=0),
        "neighbors": KNeighborsClassifier(),
        "bayes": GaussianNB(),
        "support": SVC(),
        "means": KMeans(3, n_init=1, random_state=0),
        "pipeline": make_pipeline(StandardScaler(), PCA(2), LogisticRegression()),
    }
    for label, model in models.items():
        yield label, model.fit(x, y)
