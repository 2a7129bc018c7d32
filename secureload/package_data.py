"""The data files of the package, as text, and the names of its modules."""

from __future__ import annotations

import os
import pkgutil
from types import ModuleType

__all__ = ["module_names", "packaged_text"]


def packaged_text(package: str, name: str) -> str:
    """Return the text of the file ``name`` in ``package``.

    ``importlib.resources`` would do it too; importing that takes longer than reading all our files does.
    """
    data = pkgutil.get_data(package, name)
    if data is None:
        raise FileNotFoundError(f"{package} has no {name}: secureload is not wholly installed")
    return data.decode("utf-8")


def module_names(package: ModuleType) -> tuple[str, ...]:
    """Return the names of the modules in ``package``, sorted.

    ``pkgutil`` would do it too, and does where the package is no folder of sources; it imports ``inspect`` for that,
    which takes longer than to judge a small file.
    """
    found: set[str] = set()
    for place in package.__path__:
        try:
            entries = os.listdir(place)  # noqa: PTH208  # pathlib is slow to import
        except OSError:
            entries = []
        found.update(entry[:-3] for entry in entries if entry.endswith(".py") and entry != "__init__.py")
    names = found or {info.name for info in pkgutil.iter_modules(package.__path__)}
    return tuple(sorted(names))
