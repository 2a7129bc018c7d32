"""scikit-learn's settings of the calling thread, which hold for what it computes in the sandbox too.

``sklearn.set_config(transform_output="pandas")`` and ``with sklearn.config_context(…)`` change what a model in process
answers. What differs from scikit-learn's own defaults is sent with a call.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["changed_settings"]

_DEFAULTS: dict[str, Any] = {
    "assume_finite": False,
    "transform_output": "default",
    "print_changed_only": True,
    "working_memory": 1024,
    "skip_parameter_validation": False,
}


def changed_settings() -> dict[str, Any] | None:
    """Return the settings of this thread that are not the defaults; None where all are."""
    library = sys.modules.get("sklearn")
    read = getattr(library, "get_config", None)  # it may be half imported
    if read is None:
        return None
    here = read()
    for name, default in _DEFAULTS.items():
        if here.get(name, default) != default:
            return {
                name: here[name] for name, default in _DEFAULTS.items() if here.get(name, default) != default
            }
    return None
