"""Boosted trees of the three libraries: as pickles, and in the formats of their own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.corpus.sample import Sample
from benchmarks.corpus.saving import saved

__all__ = ["catboost_samples", "lightgbm_samples", "xgboost_samples"]


def _data() -> tuple[Any, Any, Any]:
    import numpy as np

    rng = np.random.RandomState(0)
    x = rng.rand(80, 4)
    return x, np.arange(80) % 3, x[:, 0] * 2 + x[:, 1]


def _native(group: str, save: Any, extensions: tuple[str, ...]) -> Iterator[Sample]:
    with tempfile.TemporaryDirectory() as folder:
        for extension in extensions:
            path = Path(folder, f"model.{extension}")
            save(str(path))
            yield Sample("benign", group, f"native.{extension}", path.read_bytes())


def xgboost_samples() -> Iterator[Sample]:
    """Yield xgboost's estimators, boosters and native files."""
    import xgboost

    x, classes, target = _data()
    models = {
        "classifier": xgboost.XGBClassifier(n_estimators=3).fit(x, classes),
        "binary": xgboost.XGBClassifier(n_estimators=3, tree_method="hist").fit(x, classes > 0),
        "regressor": xgboost.XGBRegressor(n_estimators=3).fit(x, target),
        "linear": xgboost.XGBRegressor(n_estimators=3, booster="gblinear").fit(x, target),
        "dart": xgboost.XGBClassifier(n_estimators=3, booster="dart").fit(x, classes),
        "forest": xgboost.XGBRFClassifier(n_estimators=3).fit(x, classes),
        "ranker": xgboost.XGBRanker(n_estimators=3).fit(x, classes, qid=[0] * 40 + [1] * 40),
    }
    for label, model in models.items():
        yield from saved("xgboost", label, model, protocols=(2, 4, 5), joblibs=(0, 3))
    booster = models["classifier"].get_booster()
    yield from saved("xgboost", "booster", booster, protocols=(4, 5))
    yield from _native("xgboost", booster.save_model, ("json", "ubj"))


def lightgbm_samples() -> Iterator[Sample]:
    """Yield lightgbm's estimators, boosters and native files."""
    import lightgbm

    x, classes, target = _data()
    small: dict[str, Any] = {"n_estimators": 3, "verbose": -1}
    models = {
        "classifier": lightgbm.LGBMClassifier(**small).fit(x, classes),
        "binary": lightgbm.LGBMClassifier(**small).fit(x, classes > 0),
        "regressor": lightgbm.LGBMRegressor(**small).fit(x, target),
        "ranker": lightgbm.LGBMRanker(**small).fit(x, classes, group=[40, 40]),
    }
    for label, model in models.items():
        yield from saved("lightgbm", label, model, protocols=(2, 4, 5), joblibs=(0, 3))
    booster = models["classifier"].booster_
    yield from saved("lightgbm", "booster", booster, protocols=(4, 5))
    yield from _native("lightgbm", booster.save_model, ("txt", "model"))


def catboost_samples() -> Iterator[Sample]:
    """Yield catboost's estimators and native files."""
    import catboost

    x, classes, target = _data()
    small: dict[str, Any] = {"iterations": 3, "verbose": False, "allow_writing_files": False}
    models = {
        "classifier": catboost.CatBoostClassifier(**small).fit(x, classes),
        "regressor": catboost.CatBoostRegressor(**small).fit(x, target),
        "plain": catboost.CatBoost(small).fit(x, target),
    }
    for label, model in models.items():
        yield from saved("catboost", label, model, protocols=(2, 4, 5), joblibs=(0, 3))
    yield from _native("catboost", models["regressor"].save_model, ("cbm",))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        models["regressor"].save_model(str(path), format="json")
        yield Sample("benign", "catboost", "native.json", path.read_bytes())
