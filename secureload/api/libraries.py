"""Which versions of the libraries that save models are installed here, without importing them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType

__all__ = ["installed_versions"]

# What installers leave beside a library: a folder (PEP 376) or, older ones, a file or folder of that name.
_ENDINGS = (".dist-info", ".egg-info")


class _Installed(Mapping[str, str]):
    """Distribution name → version, looked up when the first is asked for: most payloads name none."""

    def __getitem__(self, name: str) -> str:
        return _found(tuple(sys.path))[_normal(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(_found(tuple(sys.path)))

    def __len__(self) -> int:
        return len(_found(tuple(sys.path)))


def installed_versions() -> Mapping[str, str]:
    """Return distribution name → version of what is installed here."""
    return _Installed()


@cache
def _found(paths: tuple[str, ...]) -> Mapping[str, str]:
    """Return what is installed below ``paths``; of two versions the one that an import finds.

    The names of folders say it all: ``importlib.metadata`` would cost more than examining a small file does.
    """
    found: dict[str, str] = {}
    for path in paths:
        try:
            names = sorted(os.listdir(path or "."))  # noqa: PTH208  # names alone, of some hundred
        except OSError:
            continue  # an archive, or a folder that is gone
        for name in names:
            if name.endswith(_ENDINGS):
                library, _, rest = name.rpartition(".")[0].partition("-")
                if rest:
                    found.setdefault(_normal(library), rest.partition("-py")[0])
    return MappingProxyType(found)


def _normal(name: str) -> str:
    """Return the name of a distribution in the one form that all its spellings have (PEP 503)."""
    return name.lower().replace("_", "-").replace(".", "-")
