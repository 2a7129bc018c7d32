"""What a gadget does, as the list of them and the findings call it, and how lists of names are written."""

from __future__ import annotations

from secureload.values import dataclass

__all__ = ["Technique", "words"]


@dataclass(frozen=True, slots=True)
class Technique:
    """What a gadget does; ``name`` completes "it …", as in "executes code"."""

    name: str
    description: str


def words(text: str) -> frozenset[str]:
    """Return the words of a text: the form in which long sets of names are readable."""
    return frozenset(text.split())
