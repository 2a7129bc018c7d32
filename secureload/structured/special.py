"""Objects whose state lies in C: each is taken apart into values, and put together from values that were checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from secureload.structured.kinds import (
    generators,
    losses,
    metrics,
    neighbors,
    pandas_kinds,
    partials,
    splines,
    trees,
)
from secureload.values import dataclass

__all__ = ["SPECIAL", "Special"]


@dataclass(frozen=True, slots=True)
class Special:
    """``take_apart(object)`` → named values; ``put_together(class, values…)`` → object, or MalformedError."""

    take_apart: Callable[[Any], Mapping[str, Any]]
    put_together: Callable[..., Any]


SPECIAL: Final[Mapping[str, Special]] = MappingProxyType(
    {
        name: Special(*functions)
        for kinds in (generators, losses, metrics, neighbors, pandas_kinds, partials, splines, trees)
        for name, functions in kinds.KINDS.items()
    }
)
