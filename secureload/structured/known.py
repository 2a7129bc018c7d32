"""Which classes may be rebuilt, and which functions and types may be referred to: exact names, nothing else.

``classes.json`` was collected from every estimator of scikit-learn, fitted with every named option. A caller adds
names of its own; those classes are rebuilt through ``object.__new__`` and their dictionary, like all others.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterable
from functools import cache
from typing import Any

from secureload.package_data import packaged_text
from secureload.structured.container import forged
from secureload.structured.containers import CONTAINERS
from secureload.structured.special import SPECIAL

__all__ = ["Known", "default_known"]


class Known:
    """An allow-list of ``module:name``."""

    def __init__(self, classes: Iterable[str], references: Iterable[str], own: Iterable[str] = ()) -> None:
        self.classes = frozenset(classes)
        self.references = frozenset(references)
        self.own = frozenset(own)

    def has_class(self, name: str) -> bool:
        """Whether objects of this class may be rebuilt."""
        return name in self.classes or name in self.own or name in SPECIAL or name in CONTAINERS

    def has_reference(self, name: str) -> bool:
        """Whether this function or type may be referred to."""
        return name in self.references or name in self.own

    def extended_by(self, names: Iterable[str]) -> Known:
        """Return the list with names of the caller's own, as ``package.module.Name``."""
        pairs = (name.replace(":", ".").rpartition(".") for name in names)
        return Known(
            self.classes, self.references, self.own | {f"{module}:{name}" for module, _, name in pairs}
        )

    def modules(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return those of the modules ``names`` that hold something of this list."""
        mine = {
            name.partition(":")[0]
            for name in (*self.classes, *self.references, *self.own, *SPECIAL, *CONTAINERS)
        }
        return tuple(name for name in names if name in mine)


@cache
def default_known() -> Known:
    """Return the list that ships with the package."""
    found = json.loads(packaged_text("secureload.structured", "classes.json"))
    return Known(found["classes"], found["references"])


def resolve(name: str) -> Any:
    """Return the global of a name that a list has.

    Raises:
        MalformedError: the installed libraries have no such global.
    """
    module, _, path = name.partition(":")
    try:
        found: Any = sys.modules.get(module) or importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise forged(f"needs {module}.{path}, which is not installed here: {error}", missing=name) from None
    return found
