"""``.npz``: a zip archive of numpy array files. Each member is read as the array file that it is.

``numpy.load`` takes a member for an array by its first bytes, whatever it is called, and gives out anything
else as bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.formats.reading import Event, Observation, ReadContext
from secureload.formats.zip_dialect import ANY, Contents, Role
from secureload.values import dataclass, field

__all__ = ["recognise"]


def recognise(contents: Contents, file_name: str) -> Npz | None:
    """Return the archive as numpy sees it where all members are arrays by their names, or it is called so."""
    arrays = contents.by_name and all(name.endswith(".npy") for name in contents.by_name)
    return Npz(contents) if arrays or file_name.lower().endswith(".npz") else None


@dataclass(frozen=True, slots=True)
class Npz:
    """The archive as ``numpy.load`` sees it."""

    contents: Contents = field(repr=False)
    format: str = "npz"
    loader: str = "numpy.load"

    def role(self, _name: str) -> Role:
        """Every member is looked at for what it is: an array of objects is a pickle."""
        return ANY

    def events(self, _context: ReadContext) -> Iterator[Event]:
        """Yield an observation for what is no array by its name."""
        others = sorted(name for name in self.contents.by_name if not name.endswith(".npy"))
        if others:
            message = f"{len(others):,} members of the .npz are no arrays, the first is {others[0]!r}"
            yield Observation(code="npz.not-an-array", message=message)
