"""Which versions of the libraries that save models are installed here, without importing them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

__all__ = ["installed_versions"]


class _Installed(Mapping[str, str]):
    """Distribution name → version, looked up when it is asked for: reading the metadata of one takes milliseconds."""

    def __getitem__(self, name: str) -> str:
        version = _version(name)
        if version is None:
            raise KeyError(name)
        return version

    def __iter__(self) -> Iterator[str]:
        from importlib import metadata

        return iter({found.metadata["Name"] for found in metadata.distributions()})

    def __len__(self) -> int:
        return len(list(iter(self)))


def installed_versions() -> Mapping[str, str]:
    """Return distribution name → version of what is installed here, looked up name by name."""
    return _Installed()


@cache
def _version(name: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(name)
    except (metadata.PackageNotFoundError, ValueError):
        return None
