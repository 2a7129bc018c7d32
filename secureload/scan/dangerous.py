"""The list of known gadgets. It grades what is not admitted: dangerous, with a technique, or unknown.

Nothing is admitted because it is absent here. The data stand in :mod:`secureload.scan.gadgets`; the families
follow the public advisories about pickle scanners and the effects that the modules of the standard library
have, which :mod:`secureload.scan.gadgets.reach` reads from their source.
"""

from __future__ import annotations

import tomllib
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Iterator
from functools import cache
from typing import Final

from secureload.package_data import packaged_text
from secureload.pickles.trace import GlobalRef
from secureload.scan.by_value import is_by_value
from secureload.scan.dotted import MODULE_MACHINERY, REACHES_THROUGH, why_dotted
from secureload.scan.technique import Technique
from secureload.values import dataclass

__all__ = ["DOTTED_NAME", "MODULE_MACHINERY", "Technique", "grade", "is_family", "is_ordinary", "techniques"]

DOTTED_NAME: Final = REACHES_THROUGH
# The files of the list, of which the first in which a name stands counts.
_FILES: Final = ("python", "science", "deep", "tools")
# A module or a name of more parts than this is one that nobody wrote for a model.
_MOST_PARTS: Final = 16


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A name with stars: what it begins with, the pieces between its stars in their order, what it ends with."""

    start: str
    pieces: tuple[str, ...]
    end: str

    def fits(self, name: str) -> bool:
        if len(name) < len(self.start) + len(self.end):
            return False
        if not name.startswith(self.start) or not name.endswith(self.end):
            return False
        at, last = len(self.start), len(name) - len(self.end)
        for piece in self.pieces:
            found = name.find(piece, at, last)
            if found < 0:
                return False
            at = found + len(piece)
        return True


@dataclass(frozen=True, slots=True)
class _Gadgets:
    techniques: dict[str, Technique]
    families: dict[str, Technique]
    # Modules with a star at their end, by what stands before it; the star may be all of the last part.
    open_families: dict[str, tuple[tuple[str, Technique], ...]]
    exact: dict[tuple[str, str], Technique | None]
    patterns: dict[str, list[tuple[_Pattern, Technique]]]


def grade(ref: GlobalRef) -> Technique | None:
    """Return the technique that this global is known for, or None: unknown.

    An exact name wins over a name with a star, that over a module. Python 2's names, which the unpickler maps
    for protocols below 3, are graded as given and as mapped. A dotted name is dangerous where it walks through a
    module, through what lies behind a class or a function, or to a gadget. The machinery of code by value is
    none; rule SL111 speaks of it.
    """
    if is_by_value(ref):
        return None
    # The unpickler maps a name first, then its module.
    mapped = NAME_MAPPING.get((ref.module, ref.name), (IMPORT_MAPPING.get(ref.module, ref.module), ref.name))
    for module, name in dict.fromkeys([(ref.module, ref.name), mapped]):
        found = _grade_pair(module, name) or why_dotted(module, name, _grade_pair)
        if found is not None:
            return found
    return None


def is_family(module: str) -> bool:
    """Whether all of a module is dangerous."""
    return _family(_load(), module) is not None


def is_ordinary(ref: GlobalRef) -> bool:
    """Whether the list says that it is data, although what is around it is not."""
    exact = _load().exact
    return (ref.module, ref.name) in exact and exact[ref.module, ref.name] is None


def techniques() -> tuple[Technique, ...]:
    """Return every technique in the order of the list, dotted names and the machinery of modules last."""
    return (*_load().techniques.values(), DOTTED_NAME, MODULE_MACHINERY)


def _grade_pair(module: str, name: str) -> Technique | None:
    gadgets = _load()
    if (module, name) in gadgets.exact:
        return gadgets.exact[module, name]
    for pattern, technique in gadgets.patterns.get(module, ()):
        if pattern.fits(name):
            return technique
    return _family(gadgets, module)


def _family(gadgets: _Gadgets, module: str) -> Technique | None:
    """A family covers its submodules: os and os.path, but not collections.os, which is no module."""
    for parent, rest in _parents(module):
        if parent in gadgets.families:
            return gadgets.families[parent]
        for start, technique in gadgets.open_families.get(parent, ()):
            if rest and rest.startswith(start):
                return technique
    return None


def _parents(module: str) -> Iterator[tuple[str, str]]:
    """Yield the module and each of its parents, each with what follows it; the shortest first."""
    at = -1
    for _ in range(_MOST_PARTS):
        at = module.find(".", at + 1)
        if at < 0:
            yield module, ""
            return
        yield module[:at], module[at + 1 :]


@cache
def _load() -> _Gadgets:
    gadgets = _Gadgets({}, {}, {}, {}, {})
    for key, table in _read("techniques").items():
        gadgets.techniques[key] = Technique(table["name"], table["description"])
    for file in _FILES:
        for key, table in _read(file).items():
            _add(gadgets, gadgets.techniques[key], table)
    return gadgets


def _read(file: str) -> dict[str, dict[str, str]]:
    text = packaged_text("secureload.scan.gadgets", f"{file}.toml")
    return tomllib.loads(text)


def _add(gadgets: _Gadgets, technique: Technique, table: dict[str, str]) -> None:
    for module in table.get("modules", "").split():
        if module.endswith("*"):
            parent, _, start = module[:-1].rpartition(".")
            known = gadgets.open_families.get(parent, ())
            gadgets.open_families[parent] = (*known, (start, technique))
        else:
            gadgets.families.setdefault(module, technique)
    for module, name in _pairs(table.get("names", "")):
        if "*" in name:
            first, *pieces, last = name.split("*")
            pattern = _Pattern(first, tuple(piece for piece in pieces if piece), last)
            gadgets.patterns.setdefault(module, []).append((pattern, technique))
        else:
            gadgets.exact.setdefault((module, name), technique)
    for pair in _pairs(table.get("ordinary", "")):
        gadgets.exact.setdefault(pair, None)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        module, _, names = line.partition(":")
        for name in names.split():
            yield module, name
