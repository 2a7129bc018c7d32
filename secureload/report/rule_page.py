"""What is said of a rule: its id, its title, its explanation, and what it judges."""

from __future__ import annotations

from typing import Final

from secureload.values import dataclass

__all__ = ["HOME", "RulePage"]

HOME: Final = "https://github.com/secureload/secureload"


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePage:
    """One rule. ``explanation`` is its documentation: paragraphs of text.

    ``severities`` are those that its findings can have, the worst first. ``codes`` are (code, severity,
    confidence, hint) of the observations that it grades; ``source`` is the file that holds it.
    """

    id: str
    name: str
    title: str
    explanation: str
    severities: tuple[str, ...] = ()
    codes: tuple[tuple[str, str, str, str], ...] = ()
    source: str = ""

    @property
    def link(self) -> str:
        """Where the rule and its documentation stand."""
        return f"{HOME}/blob/main/{self.source}" if self.source else HOME
