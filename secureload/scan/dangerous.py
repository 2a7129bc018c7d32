"""The list of known gadgets. It grades what is not admitted: dangerous, with a technique, or unknown.

Nothing is admitted because it is absent here. The data stand in ``dangerous.toml``; the families follow the
public advisories about pickle scanners and the effects that modules of the standard library have.
"""

from __future__ import annotations

import re
import tomllib
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from secureload.pickles.trace import GlobalRef

__all__ = ["DOTTED_NAME", "MODULE_MACHINERY", "Technique", "grade", "techniques"]


@dataclass(frozen=True, slots=True)
class Technique:
    """What a gadget does; ``name`` completes "it …", as in "executes code"."""

    name: str
    description: str


DOTTED_NAME: Final = Technique(
    "reaches through a module",
    "a dotted name walks from attribute to attribute, through a module to whatever that module has imported",
)

MODULE_MACHINERY: Final = Technique(
    "reaches into the machinery of a module",
    "every module has its loader, its namespace and the builtins under names between double underscores",
)


@dataclass(frozen=True, slots=True)
class _Gadgets:
    techniques: tuple[Technique, ...]
    modules: dict[str, Technique]
    exact: dict[tuple[str, str], Technique]
    patterns: tuple[tuple[re.Pattern[str], Technique], ...]


def grade(ref: GlobalRef) -> Technique | None:
    """Return the technique that this global is known for, or None: unknown.

    An exact name wins over a name with a star, that over a module. Python 2's names, which the unpickler maps
    for protocols below 3, are graded as given and as mapped. A dotted name is dangerous whatever its parts, and
    so is one between double underscores.
    """
    gadgets = _load()
    # The unpickler maps a name first, then its module.
    mapped = NAME_MAPPING.get((ref.module, ref.name), (IMPORT_MAPPING.get(ref.module, ref.module), ref.name))
    for module, name in dict.fromkeys([(ref.module, ref.name), mapped]):
        found = _grade_pair(gadgets, module, name)
        if found is not None:
            return found
    if "." in ref.name:
        return DOTTED_NAME
    return MODULE_MACHINERY if ref.name.startswith("__") and ref.name.endswith("__") else None


def techniques() -> tuple[Technique, ...]:
    """Return every technique in the order of the list, dotted names and double underscores last."""
    return (*_load().techniques, DOTTED_NAME, MODULE_MACHINERY)


def _grade_pair(gadgets: _Gadgets, module: str, name: str) -> Technique | None:
    exact = gadgets.exact.get((module, name))
    if exact is not None:
        return exact
    text = f"{module}:{name}"
    for pattern, technique in gadgets.patterns:
        if pattern.fullmatch(text):
            return technique
    # A family covers its submodules: os and os.path, but not collections.os, which is no module.
    parent = module
    while parent:
        if parent in gadgets.modules:
            return gadgets.modules[parent]
        parent = parent.rpartition(".")[0]
    return None


@cache
def _load() -> _Gadgets:
    text = resources.files("secureload.scan").joinpath("dangerous.toml").read_text(encoding="utf-8")
    names: list[Technique] = []
    modules: dict[str, Technique] = {}
    exact: dict[tuple[str, str], Technique] = {}
    patterns: list[tuple[re.Pattern[str], Technique]] = []
    for family in tomllib.loads(text)["family"]:
        technique = Technique(family["technique"], family["description"])
        names.append(technique)
        for module in family.get("modules", ()):
            modules.setdefault(module, technique)
        for entry in family.get("names", ()):
            if "*" in entry:
                source = ".*".join(re.escape(part) for part in entry.split("*"))
                patterns.append((re.compile(source, re.DOTALL), technique))
            else:
                module, _, name = entry.partition(":")
                exact.setdefault((module, name), technique)
    return _Gadgets(tuple(names), modules, exact, tuple(patterns))
