from __future__ import annotations

import importlib
import inspect
import pkgutil

import secureload.formats.readers
from secureload.formats.catalog import READERS


def test_every_reader_of_the_catalog_is_a_module_with_read_and_a_page() -> None:
    for name in READERS.values():
        module = importlib.import_module(f"secureload.formats.readers.{name}")
        assert list(inspect.signature(module.read).parameters) == ["data", "context"]
        assert module.__doc__


def test_every_module_with_a_read_function_of_a_format_is_in_the_catalog_or_a_dialect() -> None:
    found = {info.name for info in pkgutil.iter_modules(secureload.formats.readers.__path__)}
    assert set(READERS.values()) <= found
