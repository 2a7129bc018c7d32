"""What a caller asks of the confinement of one load: which filter, how much of it at least, whether less will do."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Literal

from secureload.errors import UsageError
from secureload.printable import printable
from secureload.sandbox.layers.layer import LEVELS, Level
from secureload.values import dataclass

__all__ = ["STRICT", "ReducedConfinementWarning", "Terms", "terms_of"]

_FILTERS = ("strict", "relaxed")
_MINIMA = LEVELS[LEVELS.index("required") :]


class ReducedConfinementWarning(UserWarning):
    """A model was loaded with less confinement than is required, as its caller has accepted.

    ``layers`` names what is relaxed or missing, ``verdict`` is the verdict, which says so too.
    """

    def __init__(self, message: str, layers: tuple[str, ...] = (), verdict: object = None) -> None:
        super().__init__(message)
        self.layers = layers
        self.verdict = verdict


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one load.

    ``filter`` "relaxed" lets the model import and read files after the doors are closed: libraries, and the files
    and folders in ``readable`` (absolute paths). ``level`` is the least that will do. ``accept_reduced`` takes what
    there is where a required layer is missing.
    """

    filter: Literal["strict", "relaxed"] = "strict"
    readable: tuple[str, ...] = ()
    level: Level = "required"
    accept_reduced: bool = False


STRICT = Terms()


def terms_of(
    filter_name: str, readable: Iterable[str | os.PathLike[str]], level: str | None, *, accept_reduced: bool
) -> Terms:
    """Return the terms that a caller's arguments stand for.

    Raises:
        UsageError: a word that is not known, a path that is not there, or two that contradict each other.
    """
    if filter_name not in _FILTERS:
        raise UsageError(
            f"there is no filter {printable(filter_name, 40)!r}", hint='"strict" (the default) or "relaxed"'
        )
    minimum = next((known for known in _MINIMA if known == (level or "required")), None)
    if minimum is None:
        raise UsageError(
            f"there is no level {printable(level, 40)!r} to ask for", hint='"required", "standard" or "full"'
        )
    relaxed = filter_name == "relaxed"
    if level is not None and (relaxed or accept_reduced):
        raise UsageError(
            "a minimum level and less than the required confinement contradict each other",
            hint="leave level out, or ask for neither a relaxed filter nor reduced confinement",
        )
    places = _places(readable)
    if places and not relaxed:
        raise UsageError(
            "with the strict filter no file is readable in the sandbox", hint='say filter="relaxed" too'
        )
    return Terms("relaxed" if relaxed else "strict", places, minimum, accept_reduced)


def _places(readable: Iterable[str | os.PathLike[str]]) -> tuple[str, ...]:
    if isinstance(readable, str | bytes | os.PathLike):
        raise UsageError("readable is not a list of paths", hint='write readable=["folder"]')
    places = []
    for path in readable:
        place = os.path.abspath(path)  # noqa: PTH100  # links stay as they are: the model opens this very path
        if not os.path.lexists(place) or place == "/":
            raise UsageError(
                f"{printable(place)!r} cannot be made readable in the sandbox",
                hint="name a file or folder that is there",
            )
        places.append(place)
    return tuple(dict.fromkeys(places))
