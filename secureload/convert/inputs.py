"""Inputs for a proof: rows within the ranges that the model was trained on, and rows at their edges.

The ranges are read off the fitted model: thresholds of trees, means and spreads of scalers, kept rows, categories.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["inputs_for"]

_ROWS = 200
_WORDS = 40
# The square of the smaller one, and the sum of some thousands of those, is still a number in single precision.
_HUGE, _HUGE_SINGLE = 1e30, 1e17
_INNER = ("best_estimator_", "estimator_", "regressor_")


def inputs_for(model: Any, seed: int, *, single: bool, missing: bool = True) -> list[Any]:
    """Return inputs: many rows, one row, and edges; ``single`` rounds numbers to what float32 holds.

    Rows with missing values are among them with ``missing``, or where the model was trained on some.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    first = _first(model)
    texts = _texts(first, rng)
    if texts is not None:
        return texts
    if type(model).__name__ in ("LabelEncoder", "LabelBinarizer") and hasattr(model, "classes_"):
        return [np.asarray(model.classes_), np.asarray(model.classes_)[:1]]
    frame = _frame(first, rng)
    if frame is not None:
        return frame
    width = _width(model, first)
    if width is None:
        return []
    found = (
        [_categories(first, width, rng)] if _has_categories(first) else _numbers(first, width, rng, single)
    )
    if not missing and not _has_categories(first) and not _saw_missing(first):
        found = found[:-1]
    if not single:
        return found
    return [rows.astype(np.float32).astype(np.float64) if rows.dtype.kind == "f" else rows for rows in found]


def _first(model: Any) -> Any:
    """Return the estimator that sees the rows first."""
    for _ in range(20):
        steps = getattr(model, "steps", None)
        if isinstance(steps, list) and steps:
            model = next((step for _, step in steps if step not in (None, "passthrough")), model)
            if model is steps[-1][1] and model in (None, "passthrough"):
                return model
            continue
        inner = next(filter(_fitted, (getattr(model, name, None) for name in _INNER)), None)
        if inner is None:
            return model
        model = inner
    return model


def _fitted(inner: Any) -> bool:
    """Whether it is an estimator that was fitted: a forest keeps the one that its trees were cloned from."""
    return inner is not None and any(name.endswith("_") for name in getattr(inner, "__dict__", ()))


def _width(model: Any, first: Any) -> int | None:
    for one in (model, first):
        width = getattr(one, "n_features_in_", None)
        if width is not None:
            return int(width)
    return None


def _texts(first: Any, rng: Any) -> list[Any] | None:
    name = type(first).__name__
    if name in ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer"):
        words = list(getattr(first, "vocabulary_", {"some": 0, "words": 1}))[:10_000]
        texts = [" ".join(rng.choice(words, rng.integers(1, 12))) for _ in range(_WORDS)]
        return [texts, texts[:1], ["", "zzzz an unseen word", "\u00e4\u00f6\u00fc \U0001f600"]]
    if name in ("DictVectorizer", "FeatureHasher"):
        names = [str(word).partition("=")[0] for word in getattr(first, "vocabulary_", {"a": 0, "b": 1})]
        rows = [{word: float(rng.normal()) for word in names[:20]} for _ in range(_WORDS)]
        return [rows, rows[:1], [{}, {"unseen": 1.0}]]
    return None


def _frame(first: Any, rng: Any) -> list[Any] | None:
    """Return frames for a model that takes columns by name, None for one that does not."""
    import sys

    names = getattr(first, "feature_names_in_", None)
    blocks = getattr(first, "transformers_", None)
    if names is None or blocks is None or "pandas" not in sys.modules:
        return None
    import numpy as np
    import pandas as pd

    columns: dict[str, Any] = {}
    for _, transformer, chosen in blocks:
        picked = _picked(names, chosen)
        inner = _first(transformer)
        if _has_categories(inner) and len(inner.categories_) == len(picked):
            made = _categories(inner, len(picked), rng)
            columns.update(zip(picked, made.T.tolist(), strict=True))
        elif _texts(inner, rng) is not None and len(picked) == 1:
            columns[picked[0]] = (_texts(inner, rng) or [[]])[0] * (_ROWS // _WORDS)
        else:
            rows = _numbers(inner, len(picked), rng)[0][:_ROWS]
            columns.update(zip(picked, rows.T.tolist(), strict=True))
    frame = pd.DataFrame({name: columns.get(name, np.zeros(_ROWS).tolist()) for name in names.tolist()})
    return [frame, frame.iloc[:1], frame.iloc[:0]]


def _picked(names: Any, chosen: Any) -> list[Any]:
    import numpy as np

    if isinstance(chosen, str):
        return [chosen]
    if isinstance(chosen, list | tuple) and all(isinstance(name, str) for name in chosen):
        return list(chosen)
    picked: list[Any] = np.asarray(names)[chosen].ravel().tolist()
    return picked


def _has_categories(first: Any) -> bool:
    return type(first).__name__ in ("OneHotEncoder", "OrdinalEncoder", "TargetEncoder") and hasattr(
        first, "categories_"
    )


def _categories(first: Any, width: int, rng: Any) -> Any:
    """Return rows of known categories, the last ones with one that was never seen."""
    import numpy as np

    columns = [rng.choice(np.asarray(values, dtype=object), _ROWS) for values in first.categories_[:width]]
    rows = np.array(columns, dtype=object).T
    if getattr(first, "handle_unknown", "error") != "error":
        rows[-3:, 0] = "never seen" if isinstance(rows[0, 0], str) else -12_345
    numbers = all(np.asarray(values).dtype.kind in "biuf" for values in first.categories_)
    return rows.astype(np.float64) if numbers else rows


def _numbers(first: Any, width: int, rng: Any, single: bool = False) -> list[Any]:
    """Return tables of numbers: many rows, one row, rows at thresholds, and edges."""
    import numpy as np

    low, high = np.full(width, np.inf), np.full(width, -np.inf)
    for least, most in _ranges(first, width):
        low, high = np.fmin(low, least), np.fmax(high, most)
    unknown = ~(np.isfinite(low) & np.isfinite(high))
    low[unknown], high[unknown] = (0.0 if _needs_positive(first) else -3.0), 3.0
    span = np.where(high > low, high - low, 1.0)
    rows = low + rng.random((_ROWS, width)) * span
    found = [rows, rows[:1], rows[:0]]
    edges = _thresholds(first, width, rows)
    if edges is not None:
        found.append(edges)
    huge = _HUGE_SINGLE if single else _HUGE
    extreme = np.vstack(
        [
            np.zeros(width),
            np.full(width, huge),
            np.full(width, -huge),
            low - span,
            high + span,
            np.full(width, 1e-300),
        ]
    )
    missing = rows[: min(8, _ROWS)].copy()
    missing[:, :: max(1, width // 3)] = np.nan
    return [*found, extreme, missing]


def _saw_missing(first: Any) -> bool:
    """Whether a tree of the model has learnt where missing values go."""
    return any(bool(tree.__getstate__()["nodes"]["missing_go_to_left"].any()) for tree in _trees(first))


def _needs_positive(first: Any) -> bool:
    tags = getattr(first, "__sklearn_tags__", None)
    try:
        return bool(tags is not None and tags().input_tags.positive_only)
    except Exception:
        return False


def _ranges(first: Any, width: int) -> Iterator[tuple[Any, Any]]:
    """Yield what is known of the least and the largest value of each column."""
    import numpy as np

    def get(name: str) -> Any:
        found = getattr(first, name, None)
        return (
            found
            if isinstance(found, np.ndarray) and found.dtype.kind == "f" and found.shape[-1:] == (width,)
            else None
        )

    low, high = get("data_min_"), get("data_max_")
    if low is not None and high is not None:
        yield low, high
    center, scale = get("mean_") if get("mean_") is not None else get("center_"), get("scale_")
    if center is not None:
        spread = 3 * (scale if scale is not None else np.ones(width))
        yield center - spread, center + spread
    for name in (
        "_fit_X",
        "X_train_",
        "support_vectors_",
        "cluster_centers_",
        "quantiles_",
        "theta_",
        "means_",
        "centroids_",
        "X_fit_",
        "X_",
    ):
        rows = get(name)
        if rows is not None and rows.ndim == 2 and len(rows):
            yield rows.min(axis=0), rows.max(axis=0)
    for feature, values in _splits(first, width):
        least, most = np.full(width, np.nan), np.full(width, np.nan)
        least[feature], most[feature] = (
            values.min() - 1e-3 * np.ptp(values),
            values.max() + 1e-3 * np.ptp(values),
        )
        yield least, most


def _splits(first: Any, width: int) -> Iterator[tuple[int, Any]]:
    """Yield (column, thresholds) of the trees of a model."""
    import numpy as np

    trees = list(_trees(first))
    if trees:
        feature = np.concatenate([tree.feature for tree in trees])
        threshold = np.concatenate([tree.threshold for tree in trees])
        for column in range(width):
            values = threshold[feature == column]
            if len(values):
                yield column, values
    mapper = getattr(first, "_bin_mapper", None)
    for column, values in enumerate(getattr(mapper, "bin_thresholds_", ())):
        finite = values[np.isfinite(values)]
        if len(finite) and column < width:
            yield column, finite


def _trees(first: Any) -> Iterator[Any]:
    import numpy as np

    if hasattr(first, "tree_"):
        if hasattr(first.tree_, "threshold"):
            yield first.tree_
        return
    members = getattr(first, "estimators_", ())
    for member in members.ravel() if isinstance(members, np.ndarray) else members:
        tree = getattr(member, "tree_", None)
        if hasattr(tree, "threshold"):
            yield tree


def _thresholds(first: Any, width: int, rows: Any) -> Any:
    """Return rows that lie on thresholds, and on both sides of one: where a conversion shows its rounding."""
    import numpy as np

    found: list[Any] = []
    for column, values in _splits(first, width):
        for value in np.unique(values)[:: max(1, len(values) // 8)][:8]:
            for shifted in (
                value,
                np.nextafter(np.float32(value), np.float32(np.inf)),
                np.nextafter(np.float32(value), np.float32(-np.inf)),
            ):
                row = rows[len(found) % len(rows)].copy()
                row[column] = shifted
                found.append(row)
        if len(found) > 4 * _ROWS:
            break
    return np.array(found) if found else None
