"""States of statsmodels that would have it evaluate a text: its models and results run formulas when they predict.

``results.predict(frame)`` looks for ``model.formula``, takes ``model.model_spec`` (``design_info`` in older releases)
or that of ``model.data``, and hands it to patsy or formulaic. What the libraries made of a formula cannot be
pickled, so that no file has it there; a text in its place is Python code. The same text could be had through any
object that has attributes of the sender's choice (a ``Series``, a namespace) in the place of the model or its data.

Here and not in a rule, because a trace keeps of a state its first few items.
"""

from __future__ import annotations

from typing import Any, Final

from secureload.pickles.stand_ins import Inert
from secureload.pickles.trace import GlobalRef

__all__ = ["why_evaluated"]

_LIBRARY: Final = "statsmodels"
# Whatever stands before it: a process regression has three of them.
_MADE_OF_FORMULAS: Final = ("design_info", "model_spec")
_HOLDERS: Final = ("model", "_results", "results")


def why_evaluated(target: GlobalRef | None, state: Any) -> str:
    """Return why a state of ``target`` could be evaluated, "" where it could not."""
    if target is None or not _is_of_library(target):
        return ""
    for part in state if type(state) is tuple else (state,):
        if type(part) is dict and (found := _why(part)):
            return found
    return ""


def _why(state: dict[Any, Any]) -> str:
    for name, value in state.items():
        if value is not None and type(name) is str and _is_made_of_formula(name):
            return f"a model's state has {name[-40:]!r}, which statsmodels would evaluate when it predicts"
    holders = (*_HOLDERS, "data") if "formula" in state else _HOLDERS
    for name in holders:
        value = state.get(name)
        if isinstance(value, Inert) and not (value.made_from is not None and _is_of_library(value.made_from)):
            return f"{name!r} of a model or result of statsmodels is of another library"
    return ""


def _is_made_of_formula(name: str) -> bool:
    return name.endswith(_MADE_OF_FORMULAS) and not name.startswith("restore_")


def _is_of_library(ref: GlobalRef) -> bool:
    return ref.module == _LIBRARY or ref.module.startswith(f"{_LIBRARY}.")
