"""Skops schemas in a zip archive: recognised, not examined yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from secureload.formats.reading import Event, Problem, ReadContext
from secureload.formats.zip_dialect import ANY, Contents, Role

__all__ = ["recognise"]


def recognise(contents: Contents, _file_name: str) -> SkopsArchive | None:
    """Return the archive as its loader sees it."""
    return SkopsArchive() if "schema.json" in contents.by_name else None


@dataclass(frozen=True, slots=True)
class SkopsArchive:
    """The archive as its loader sees it."""

    format: str = "skops"
    loader: str = "skops.io.load"

    def role(self, _name: str) -> Role:
        """Every member is looked at for what it is."""
        return ANY

    def events(self, _context: ReadContext) -> Iterator[Event]:
        """Say that this is not read yet."""
        yield Problem(kind="unsupported", message="the skops schema has no reader here yet")
