"""What makes a zip archive a PyTorch model, a skops file, a Keras model or an ``.npz``: the interface of a dialect.

A dialect is a module of :mod:`secureload.formats.readers` with ``recognise(contents, file_name)``: by the names in
the archive it says whether its loader would take the archive for its own, and what that loader takes each
member for. An archive can be several things at once: then a member is read in every way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, Protocol, TypeAlias

from secureload.errors import LimitError, SecureloadError
from secureload.formats.reading import Event, Opener, Problem, ReadContext
from secureload.formats.region import Region
from secureload.values import dataclass, field

__all__ = ["ANY", "DATA", "Contents", "Dialect", "Role", "joined_roles", "read_all"]

Expect: TypeAlias = Literal["any", "pickle", "data"]
_ORDER: tuple[Expect, ...] = ("pickle", "any", "data")


@dataclass(frozen=True, slots=True)
class Role:
    """What a loader takes a member for, as in :class:`~secureload.formats.reading.Child`."""

    expect: Expect = "any"
    reading: str = ""


ANY = Role()
DATA = Role("data")


@dataclass(slots=True)
class Contents:
    """The members of an archive under each of their names, in the order of its directory.

    Several members may have one name.
    """

    by_name: dict[str, list[Region | Opener]] = field(default_factory=dict)

    def add(self, names: Iterable[str], data: Region | Opener) -> None:
        """Add one member."""
        for name in names:
            self.by_name.setdefault(name, []).append(data)

    def read(self, name: str, limit: int) -> Iterator[bytes | Problem]:
        """Yield the bytes of each member called ``name``, or why it cannot be had in at most ``limit`` bytes."""
        for data in self.by_name.get(name, ()):
            yield read_all(data, limit, name)


class Dialect(Protocol):
    """An archive as one loader sees it."""

    @property
    def format(self) -> str:
        """Its name in the catalog."""

    @property
    def loader(self) -> str:
        """What loads it, for the report."""

    def role(self, name: str) -> Role:
        """Return what the loader takes the member of this name for."""

    def events(self, context: ReadContext) -> Iterator[Event]:
        """Yield what else there is to say."""


def joined_roles(roles: Iterable[Role]) -> Role:
    """Return the role that asks for the most: what one loader unpickles is a pickle, whatever others see in it."""
    return min(roles, key=lambda role: _ORDER.index(role.expect), default=ANY)


def read_all(data: Region | Opener, limit: int, name: str) -> bytes | Problem:
    """Return all bytes of a member, or the problem with that."""
    if isinstance(data, Region):
        found = data.read_at(0, limit + 1)
    else:
        try:
            found = data().read(limit + 1)
        except LimitError as error:
            return Problem(kind="limit", message=error.named)
        except SecureloadError as error:
            return Problem(kind="malformed", message=f"{name!r}: {error.message}")
    if len(found) > limit:
        return Problem(kind="limit", message=f"json_text_bytes: {name!r} is longer than {limit:,} bytes")
    return found
