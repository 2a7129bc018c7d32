"""What stands for an object that stays in a worker, and how to find it again in another worker.

A worker that crashed is started again from the same bytes, and several workers may hold the same model. An object
is known to each of them under a number of its own (its *place*), so a reference also remembers what was asked
when it was given (its *origin*): asking the same of another worker finds the same object there.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from secureload.values import dataclass

if TYPE_CHECKING:
    from secureload.sandbox.model import Model
    from secureload.sandbox.session import Session

__all__ = ["Described", "Origin", "Parts", "Reference", "UnplacedError"]


@dataclass(frozen=True, slots=True)
class Described:
    """What a worker says of an object that it keeps: its number there, its class, and what it can do."""

    number: int
    module: str
    qualname: str
    can: frozenset[str]

    def is_like(self, other: Described | Reference) -> bool:
        """Whether both are objects of one class."""
        return (self.module, self.qualname, self.can) == (other.module, other.qualname, other.can)


@dataclass(frozen=True, slots=True)
class Origin:
    """The question that a reference answered, and which of the objects in the answer it is.

    ``parent`` is whom it was asked, None for the loaded object itself; ``question`` is the request without its
    target, None where asking again would not give the same object (a call).
    """

    parent: Reference | None
    question: Mapping[str, Any] | None
    position: int


class UnplacedError(Exception):
    """A reference has no place in the worker that is to be asked: nothing was sent."""

    def __init__(self, reference: Reference) -> None:
        super().__init__(reference)
        self.reference = reference


class Reference:
    """An object that stays in the workers; when it is dropped here, it is released there."""

    __slots__ = ("__weakref__", "can", "module", "origin", "places", "qualname", "session")

    def __init__(self, model: Model, described: Described, origin: Origin) -> None:
        self.session = model
        self.module = described.module
        self.qualname = described.qualname
        self.can = described.can
        self.origin = origin
        self.places: dict[Session, int] = {}
        weakref.finalize(self, _drop, self.places).atexit = False

    def number_in(self, session: Session) -> int:
        """Return its number in ``session``.

        Raises:
            UnplacedError: it is not known there yet.
        """
        try:
            return self.places[session]
        except KeyError:
            raise UnplacedError(self) from None

    def place(self, session: Session, number: int) -> None:
        """Remember its number in ``session``, and forget the workers that are gone."""
        for gone in [other for other in list(self.places) if other.end is not None]:
            self.places.pop(gone, None)
        self.places[session] = number


class Parts(Protocol):
    """Whoever makes objects that stand for what stays in a worker, and knows them again."""

    def stand_for(
        self,
        session: Session,
        described: Described,
        asked: tuple[Reference | None, Mapping[str, Any]],
        position: int,
    ) -> Any:
        """Return what stands for the object that was ``described``, the one at ``position`` in an answer."""

    def number_of(self, value: Any, session: Session) -> int | None:
        """Return the number in ``session`` of what stands for an object; None for anything else.

        Raises:
            UnplacedError: it is not known there yet.
            Unencodable: it stands for an object of another model.
        """


def _drop(places: dict[Session, int]) -> None:
    for session, number in list(places.items()):
        session.drop(number)
