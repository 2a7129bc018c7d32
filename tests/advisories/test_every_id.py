"""Every identifier has a test that bears it in its name, and every name bears one that is known."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import tests.advisories as folder

from .gadgets import GADGETS
from .ids import IDS

_ANY_ID = re.compile(r"GHSA(?:[-_][2-9cfghjmpqrvwx]{4}){3}|CVE[-_]\d{4}[-_]\d+")


def plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "_", text.lower())


def names_of_tests() -> Iterator[str]:
    """The names of the test functions of this folder, with the ids of their parameters."""
    for info in pkgutil.iter_modules(folder.__path__):
        module = importlib.import_module(f"{folder.__name__}.{info.name}")
        for name, value in vars(module).items():
            if not name.startswith("test_"):
                continue
            yield name
            for mark in getattr(value, "pytestmark", ()):
                yield from _ids(mark)


def _ids(mark: object) -> Iterator[str]:
    arguments, options = mark.args, mark.kwargs  # type: ignore[attr-defined]
    ids = options.get("ids")
    for position, value in enumerate(arguments[1] if len(arguments) > 1 else ()):
        if callable(ids):
            yield from (str(ids(each)) for each in (value if isinstance(value, tuple) else (value,)))
        elif ids is not None:
            yield str(ids[position])
        elif getattr(value, "id", None):
            yield str(value.id)


def test_every_identifier_has_a_test() -> None:
    known = "\n".join(plain(name) for name in names_of_tests())
    missing = [each for each in IDS if plain(each) not in known]
    assert missing == []
    assert len(IDS) > 100


def test_every_identifier_in_the_name_of_a_test_is_listed() -> None:
    listed = {plain(each) for each in IDS}
    named = {plain(found) for name in names_of_tests() for found in _ANY_ID.findall(name)}
    assert len(named) > 80
    assert named - listed == set()
    assert set(GADGETS) - set(IDS) == set()
