"""Enumerations whose members stand among the parameters of models.

The first releases of Python 3.11 save a member as ``getattr(Class, "NAME")``, all others as ``Class(value)``: both
are evidence.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from secureload.pickles.trace import GlobalRef
from secureload.scan.allow.estimators import Case

__all__ = ["enum_members", "member_names"]

_ENUMS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "catboost": tuple(
            f"catboost.core:{name}"
            for name in (
                "EFeaturesSelectionAlgorithm",
                "EFeaturesSelectionGrouping",
                "EFstrType",
                "EShapCalcType",
            )
        ),
        "lightgbm": ("lightgbm.basic:_MissingType",),
        "numpy": ("numpy:_CopyMode",),
        "pandas": ("pandas._libs.lib:_NoDefault", "pandas._libs.tslibs.dtypes:Resolution"),
        "python": ("calendar:Day", "calendar:Month", "re:RegexFlag", "uuid:SafeUUID"),
        "scikit-learn": ("sklearn.ensemble._hist_gradient_boosting.common:MonotonicConstraint",),
        "torch": ("torch.nn.utils.parametrizations:_OrthMaps", "torch.nn.attention.bias:CausalVariant"),
    }
)


def enum_members(library: str) -> Iterator[Case]:
    """Yield (label, members) for each enumeration of the library that is here."""
    for _, cls in _enumerations(library):
        yield f"members of {cls.__name__}", list(cls)


def member_names(library: str) -> Iterator[tuple[str, GlobalRef]]:
    """Yield (label, dotted name) for each member."""
    for module, cls in _enumerations(library):
        for name in cls.__members__:
            yield f"members of {cls.__name__}", GlobalRef(module, f"{cls.__name__}.{name}")


def _enumerations(library: str) -> Iterator[tuple[str, Any]]:
    for ref in _ENUMS.get(library, ()):
        module, _, name = ref.partition(":")
        with contextlib.suppress(ImportError, AttributeError):
            yield module, getattr(importlib.import_module(module), name)
