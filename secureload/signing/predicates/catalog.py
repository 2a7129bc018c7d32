"""The predicates by name and by type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from secureload.signing.predicates import approval, lineage, metadata, scan, timestamp
from secureload.values import dataclass

__all__ = ["PREDICATES", "Predicate", "predicate_of_type"]


@dataclass(frozen=True, slots=True)
class Predicate:
    """One kind of statement: its name, its type, the role that may make it, and its codec."""

    kind: str
    type: str
    role: str
    encode: Callable[[Any], dict[str, object]]
    parse: Callable[[object], Any]


PREDICATES: Mapping[str, Predicate] = MappingProxyType(
    {
        kind: Predicate(kind, module.TYPE, module.ROLE, module.encode, module.parse)
        for kind, module in (
            ("metadata", metadata),
            ("approval", approval),
            ("scan", scan),
            ("lineage", lineage),
            ("timestamp", timestamp),
        )
    }
)


def predicate_of_type(predicate_type: object) -> Predicate | None:
    """Return the predicate with this type, None for any other value."""
    return next((one for one in PREDICATES.values() if one.type == predicate_type), None)
