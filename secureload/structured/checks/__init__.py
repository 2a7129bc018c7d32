"""What scikit-learn's C code follows without looking, looked at once: one file a family of estimators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from secureload.structured.checks import (
    boosting,
    clusters,
    encoders,
    ensembles,
    matrices,
    nearest,
    support_vectors,
    vocabularies,
)

__all__ = ["CHECKS", "check_object"]

# ``module:class`` → what has to hold for its instances, and for those of classes below it.
CHECKS: Final[Mapping[str, Callable[[Any], None]]] = MappingProxyType(
    {
        name: check
        for family in (
            boosting,
            clusters,
            encoders,
            ensembles,
            matrices,
            nearest,
            support_vectors,
            vocabularies,
        )
        for name, check in family.CHECKS.items()
    }
)


def check_object(value: Any) -> None:
    """Raise :class:`MalformedError` where C code would read or write outside what the object holds."""
    kind: Any = type(value)
    for check in _checks_of(kind):
        check(value)


@lru_cache(maxsize=1024)
def _checks_of(kind: Any) -> tuple[Callable[[Any], None], ...]:
    names = (f"{base.__module__}:{base.__qualname__}" for base in kind.__mro__)
    return tuple(CHECKS[name] for name in names if name in CHECKS)
