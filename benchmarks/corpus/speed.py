"""The files that speed is measured on. ``quick`` makes them smaller by a factor of ten or more."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["write_speed_files"]

_TILE = 1 << 17  # doubles: 1 MiB


def write_speed_files(folder: Path, *, quick: bool) -> None:
    """Write every file below ``folder``; fast to make but for the thousand models."""
    import joblib
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    tile = np.random.default_rng(0).random(_TILE)
    array = np.tile(tile, 64 if quick else 954)  # 954 MiB are the first to be over 10^9 bytes
    joblib.dump({"weights": array, "name": "model"}, folder / "large.joblib")
    with (folder / "large.pkl").open("wb") as file:
        pickle.dump({"weights": array, "name": "model"}, file, protocol=5)
    del array
    entries = 100_000 if quick else 2_000_000
    with (folder / "dictionary.pkl").open("wb") as file:
        pickle.dump({f"word{number:07d}": number for number in range(entries)}, file, protocol=4)
    (folder / "forest.pkl").write_bytes(_forest())
    (folder / "small.pkl").write_bytes(_small())
    few = folder / "twenty"
    few.mkdir(exist_ok=True)
    for number in range(20):
        (few / f"model{number:02d}.pkl").write_bytes(_ridge(number))
    _models(folder / "models", 120 if quick else 1_000)


def _data(seed: int, rows: int = 120, columns: int = 6) -> tuple[Any, Any, Any]:
    import numpy as np

    rng = np.random.RandomState(seed)
    x = rng.rand(rows, columns)
    return x, (x[:, 0] * 3 + rng.rand(rows)).astype(int) % 3, x @ rng.rand(columns)


def _forest() -> bytes:
    from sklearn.ensemble import RandomForestClassifier

    x, classes, _ = _data(0, rows=920)
    return pickle.dumps(RandomForestClassifier(100, random_state=0).fit(x, classes), protocol=5)


def _small() -> bytes:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, classes, _ = _data(0)
    return pickle.dumps(make_pipeline(StandardScaler(), LogisticRegression()).fit(x, classes), protocol=5)


def _ridge(seed: int) -> bytes:
    from sklearn.linear_model import RidgeCV

    x, _, target = _data(seed, columns=40)
    return pickle.dumps(RidgeCV(alphas=[0.1 * step for step in range(1, 40)]).fit(x, target), protocol=5)


def _words(seed: int) -> list[str]:
    return [
        " ".join(f"w{(seed * 131 + row * 7 + column * 13) % 700}" for column in range(12))
        for row in range(60)
    ]


def _kinds() -> list[Callable[[int], Any]]:
    """Thirty kinds of model, each a function of a seed; mostly those with thousands of opcodes."""
    from sklearn import (
        ensemble,
        feature_extraction,
        linear_model,
        naive_bayes,
        neighbors,
        pipeline,
        preprocessing,
        svm,
        tree,
    )
    from sklearn.compose import ColumnTransformer
    from sklearn.decomposition import PCA
    from sklearn.model_selection import GridSearchCV
    from sklearn.multiclass import OneVsRestClassifier

    def on_classes(make: Callable[[int], Any]) -> Callable[[int], Any]:
        return lambda seed: make(seed).fit(*_data(seed)[:2])

    def on_numbers(make: Callable[[int], Any]) -> Callable[[int], Any]:
        return lambda seed: make(seed).fit(_data(seed)[0], _data(seed)[2])

    def on_text(make: Callable[[], Any]) -> Callable[[int], Any]:
        return lambda seed: make().fit(_words(seed), [row % 2 for row in range(60)])

    text = feature_extraction.text
    logistic, scaler = linear_model.LogisticRegression, preprocessing.StandardScaler
    return [
        on_classes(lambda seed: ensemble.RandomForestClassifier(16, max_depth=4, random_state=seed)),
        on_numbers(lambda seed: ensemble.RandomForestRegressor(16, max_depth=4, random_state=seed)),
        on_classes(lambda seed: ensemble.ExtraTreesClassifier(16, max_depth=4, random_state=seed)),
        on_numbers(lambda seed: ensemble.ExtraTreesRegressor(16, max_depth=4, random_state=seed)),
        on_classes(lambda seed: ensemble.GradientBoostingClassifier(n_estimators=5, random_state=seed)),
        on_numbers(lambda seed: ensemble.GradientBoostingRegressor(n_estimators=15, random_state=seed)),
        on_classes(lambda seed: ensemble.AdaBoostClassifier(n_estimators=15, random_state=seed)),
        on_numbers(lambda seed: ensemble.AdaBoostRegressor(n_estimators=15, random_state=seed)),
        on_classes(lambda seed: ensemble.BaggingClassifier(n_estimators=15, random_state=seed)),
        on_numbers(lambda seed: ensemble.BaggingRegressor(n_estimators=15, random_state=seed)),
        on_classes(lambda seed: ensemble.HistGradientBoostingClassifier(max_iter=8, random_state=seed)),
        on_numbers(lambda seed: ensemble.HistGradientBoostingRegressor(max_iter=15, random_state=seed)),
        on_numbers(lambda seed: ensemble.IsolationForest(n_estimators=15, random_state=seed)),
        on_numbers(lambda seed: ensemble.RandomTreesEmbedding(12, random_state=seed)),
        on_text(text.CountVectorizer),
        on_text(text.TfidfVectorizer),
        on_text(lambda: pipeline.make_pipeline(text.TfidfVectorizer(), logistic())),
        on_text(lambda: pipeline.make_pipeline(text.CountVectorizer(), naive_bayes.MultinomialNB())),
        on_text(lambda: pipeline.make_pipeline(text.TfidfVectorizer(ngram_range=(1, 2)), svm.LinearSVC())),
        on_classes(lambda seed: GridSearchCV(logistic(), {"C": [0.1, 1.0, 10.0]}, cv=2)),
        on_classes(
            lambda seed: OneVsRestClassifier(
                ensemble.RandomForestClassifier(4, max_depth=3, random_state=seed)
            )
        ),
        on_classes(
            lambda seed: ensemble.VotingClassifier(
                [("a", logistic()), ("b", ensemble.RandomForestClassifier(10, random_state=seed))]
            )
        ),
        on_classes(
            lambda seed: ensemble.StackingClassifier(
                [("a", logistic()), ("b", ensemble.ExtraTreesClassifier(6, random_state=seed))], cv=2
            )
        ),
        on_classes(lambda seed: pipeline.make_pipeline(scaler(), PCA(3), logistic())),
        on_classes(
            lambda seed: pipeline.make_pipeline(
                scaler(), ensemble.RandomForestClassifier(15, random_state=seed)
            )
        ),
        on_classes(
            lambda seed: ColumnTransformer(
                [("a", scaler(), [0, 1]), ("b", preprocessing.KBinsDiscretizer(3), [2, 3])]
            )
        ),
        on_classes(lambda seed: neighbors.KNeighborsClassifier()),
        on_classes(lambda seed: svm.SVC()),
        on_classes(lambda seed: tree.DecisionTreeClassifier(random_state=seed)),
        on_numbers(lambda seed: linear_model.ElasticNetCV(cv=3, random_state=seed)),
    ]


def _models(folder: Path, number: int) -> None:
    import joblib

    folder.mkdir(exist_ok=True)
    kinds = _kinds()
    for index in range(number):
        model = kinds[index % len(kinds)](index)
        # Every kind in both forms: the next round of kinds takes the other one.
        if (index + index // len(kinds)) % 2:
            joblib.dump(model, folder / f"model{index:04d}.joblib")
        else:
            (folder / f"model{index:04d}.pkl").write_bytes(pickle.dumps(model, protocol=5))
