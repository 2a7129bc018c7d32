"""Loss functions in C: each is its class and at most one number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from secureload.structured.kinds.expect import require

__all__ = ["KINDS"]

_LOSSES = (
    "CyAbsoluteError", "CyExponentialLoss", "CyHalfBinomialLoss", "CyHalfGammaLoss", "CyHalfMultinomialLoss",
    "CyHalfPoissonLoss", "CyHalfSquaredError", "CyHalfTweedieLoss", "CyHalfTweedieLossIdentity", "CyHuberLoss",
    "CyPinballLoss",
)  # fmt: skip
_WITH_NUMBER = frozenset(
    {"CyHalfTweedieLoss", "CyHalfTweedieLossIdentity", "CyHuberLoss", "CyPinballLoss", "EpsilonInsensitive", "Hinge",
     "SquaredEpsilonInsensitive", "SquaredHinge"}
)  # fmt: skip
_GRADIENT = ("EpsilonInsensitive", "Hinge", "ModifiedHuber", "SquaredEpsilonInsensitive", "SquaredHinge")


def _take_apart(loss: Any) -> Mapping[str, Any]:
    arguments = loss.__reduce__()[1]
    return {"number": float(arguments[0]) if type(loss).__name__ in _WITH_NUMBER else None}


def _put_together(kind: Any, number: Any) -> Any:
    if kind.__name__ in _WITH_NUMBER:
        require(type(number) is float and math.isfinite(number), "has a loss whose parameter is no number")
        return kind(number)
    require(number is None, "has a loss with a parameter that it does not have")
    return kind()


KINDS = {
    **{f"sklearn._loss._loss:{name}": (_take_apart, _put_together) for name in _LOSSES},
    **{f"sklearn.linear_model._sgd_fast:{name}": (_take_apart, _put_together) for name in _GRADIENT},
    # scikit-learn before 1.6
    **{f"_loss:{name}": (_take_apart, _put_together) for name in _LOSSES},
}
