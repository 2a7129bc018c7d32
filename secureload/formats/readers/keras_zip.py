"""Keras configurations in a zip archive: recognised, not examined yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from secureload.formats.reading import Event, Problem, ReadContext
from secureload.formats.zip_dialect import ANY, Contents, Role

__all__ = ["recognise"]


def recognise(contents: Contents, _file_name: str) -> KerasArchive | None:
    """Return the archive as its loader sees it."""
    return KerasArchive() if "config.json" in contents.by_name else None


@dataclass(frozen=True, slots=True)
class KerasArchive:
    """The archive as its loader sees it."""

    format: str = "keras"
    loader: str = "keras.saving.load_model"

    def role(self, _name: str) -> Role:
        """Every member is looked at for what it is."""
        return ANY

    def events(self, _context: ReadContext) -> Iterator[Event]:
        """Say that this is not read yet."""
        yield Problem(kind="unsupported", message="the Keras configuration has no reader here yet")
