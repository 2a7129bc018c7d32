"""Attributes of estimators: what they have to be, in words of the format's errors."""

from __future__ import annotations

from typing import Any

from secureload.structured.container import forged
from secureload.structured.kinds.expect import an_int

__all__ = ["fitted", "need", "width_of"]


def fitted(estimator: Any) -> bool:
    """Whether the estimator has any attribute of a fitted one: what was never fitted does not predict."""
    return any(name.endswith("_") and not name.startswith("_") for name in vars(estimator))


def need(estimator: Any, name: str) -> Any:
    """Return an attribute of the object itself; a fitted estimator without it would skip checks of its own."""
    found = vars(estimator)
    if name not in found:
        raise forged(f"has a {type(estimator).__name__} without {name}")
    return found[name]


def width_of(estimator: Any) -> int:
    """Return the number of columns that the estimator was fitted with."""
    return an_int(
        need(estimator, "n_features_in_"),
        f"a {type(estimator).__name__} with a number of columns",
        0,
        1 << 40,
    )
