"""Fitted models: every estimator of scikit-learn once, and what applications build of them."""

from __future__ import annotations

import pickle
import warnings
from functools import cache
from typing import Any

from secureload.scan.allow.estimators import compositions, estimators


@cache
def fitted_cases() -> tuple[tuple[str, Any], ...]:
    """(label, model as pickle reproduces it) of each case that pickle can save."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for label, model in (
            *((label, model) for _, label, model in estimators(thorough=False)),
            *compositions(),
        ):
            try:
                found.append((label, pickle.loads(pickle.dumps(model, 5))))
            except Exception:
                continue
    return tuple(found)
