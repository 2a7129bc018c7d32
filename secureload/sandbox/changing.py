"""Which methods would change a model: they are refused, for a change would reach one replica of several, be gone after
a restart, and not be what was signed.

scikit-learn's, XGBoost's, LightGBM's, CatBoost's and statsmodels' stand together: a name that changes one model changes
all that have it. The methods of PyTorch's modules are named apart, for they have names of everyday use.
"""

from __future__ import annotations

from typing import Any

__all__ = ["changes", "sets_request", "stays_on_processor"]

_CHANGING = frozenset(
    {"fit", "partial_fit", "fit_transform", "fit_predict", "sparsify", "densify", "restrict", "boost", "update",
     "load_model", "load_config", "rollback_one_iter", "reset_parameter", "shuffle_models", "shrink",
     "drop_unused_features", "remove_data"}
)  # fmt: skip
_CHANGING_MODULES = frozenset(
    {"add_module", "append", "apply", "bfloat16", "compile", "cuda", "double", "extend", "float", "half", "insert",
     "ipu", "load_state_dict", "mtia", "pop", "register_backward_hook", "register_buffer", "register_forward_hook",
     "register_forward_pre_hook", "register_module", "register_parameter", "requires_grad_", "share_memory", "to",
     "to_empty", "train", "type", "xpu", "zero_grad"}
)  # fmt: skip


def changes(name: str, *, module: bool = False) -> bool:
    """Whether a method of that name changes what it belongs to; ``module``: to a module of PyTorch."""
    return name in _CHANGING or name.startswith("set_") or (module and name in _CHANGING_MODULES)


def sets_request(name: str) -> bool:
    """Whether it is ``set_score_request`` or its like."""
    return name.startswith("set_") and name.endswith("_request")


def stays_on_processor(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether ``module.to(…)`` with these arguments leaves a module where it is, in main memory."""
    places = [*args, *kwargs.values()]
    return len(places) == 1 and not set(kwargs) - {"device"} and str(places[0]) == "cpu"
