"""Which versions of the libraries that save models are installed here, without importing them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata

__all__ = ["installed_versions"]

_LIBRARIES = ("scikit-learn",)


def installed_versions() -> Mapping[str, str]:
    """Return distribution name → version of the libraries whose version a payload may record."""
    found = {}
    for library in _LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found
