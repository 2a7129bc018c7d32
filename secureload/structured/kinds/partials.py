"""Functions with some arguments given: ``functools.partial`` of a function that is on the list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from secureload.structured.kinds.expect import require

__all__ = ["KINDS"]


def _take_apart(partial: Any) -> Mapping[str, Any]:
    return {"function": partial.func, "arguments": partial.args, "named": partial.keywords}


def _put_together(kind: Any, function: Any, arguments: Any, named: Any) -> Any:
    require(
        callable(function) and not isinstance(function, kind), "has a function with arguments that is none"
    )
    require(
        isinstance(arguments, tuple)
        and isinstance(named, dict)
        and all(isinstance(name, str) for name in named),
        "has a function whose arguments are none",
    )
    return kind(function, *arguments, **named)


KINDS = {"functools:partial": (_take_apart, _put_together)}
