"""The data files of the package, as text."""

from __future__ import annotations

import pkgutil

__all__ = ["packaged_text"]


def packaged_text(package: str, name: str) -> str:
    """Return the text of the file ``name`` in ``package``.

    ``importlib.resources`` would do it too; importing that takes longer than reading all our files does.
    """
    data = pkgutil.get_data(package, name)
    if data is None:
        raise FileNotFoundError(f"{package} has no {name}: secureload is not wholly installed")
    return data.decode("utf-8")
