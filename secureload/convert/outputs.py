"""A model's outputs, as both sides of a proof compute them: one thread, the same seed before each call."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

__all__ = ["METHODS", "methods_of", "outputs_for", "prepare"]

METHODS = ("predict", "predict_proba", "decision_function", "transform", "score_samples")
_MESSAGE_CHARS = 300


def prepare() -> None:
    """Import what scikit-learn imports late."""
    import sklearn.utils.validation  # noqa: F401


def methods_of(model: Any) -> tuple[str, ...]:
    """Return the methods whose outputs are compared."""
    return tuple(name for name in METHODS if callable(getattr(model, name, None)))


def outputs_for(model: Any, given: Sequence[Any], methods: Sequence[str]) -> list[dict[str, Any]]:
    """Return, for each input, the output of each method, or the name of the exception that it raised."""
    _serial(model)
    return [{method: _called(model, method, rows) for method in methods} for rows in given]


def _called(model: Any, method: str, rows: Any) -> Any:
    import numpy as np

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        np.random.seed(0)  # models without a seed of their own draw from it
        try:
            found = getattr(model, method)(rows)
        except Exception as error:  # an input that is refused is refused on both sides
            return {"raised": type(error).__name__, "message": str(error)[:_MESSAGE_CHARS]}
    if hasattr(found, "toarray"):
        found = found.toarray()
    if hasattr(found, "to_numpy"):
        found = found.to_numpy()
    return {"value": [np.asarray(part) for part in found] if isinstance(found, list) else np.asarray(found)}


def _serial(model: Any) -> None:
    """Sums over threads end in another last bit each time: one thread, where the model lets it be said."""
    try:
        names = [name for name in model.get_params(deep=True) if name.rpartition("__")[2] == "n_jobs"]
        model.set_params(**dict.fromkeys(names, 1))
    except Exception:  # noqa: S110  # not an estimator, or one that is set otherwise
        pass
