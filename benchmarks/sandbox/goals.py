"""What must be reached, and whether it was."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

__all__ = ["Goal", "Spread", "goals_table", "spread"]


@dataclass(frozen=True, slots=True)
class Goal:
    """One thing that must be reached: what, how much it may be, how much it was, and in which unit."""

    what: str
    bound: float
    seen: float
    unit: str
    at_least: bool = False

    @property
    def reached(self) -> bool:
        """Whether it was."""
        return self.seen >= self.bound if self.at_least else self.seen <= self.bound


@dataclass(frozen=True, slots=True)
class Spread:
    """A median and the quartiles, in seconds."""

    lower: float
    median: float
    upper: float
    runs: int

    def text(self, factor: float) -> str:
        """Return the median and the quartiles, each times ``factor``."""
        low, middle, high = (value * factor for value in (self.lower, self.median, self.upper))
        return f"{middle:,.1f} ({low:,.1f} to {high:,.1f})"


def spread(seconds: list[float]) -> Spread:
    """Return the median and the quartiles of some measurements."""
    lower, median, upper = statistics.quantiles(seconds, n=4)
    return Spread(lower, median, upper, len(seconds))


def goals_table(goals: list[Goal]) -> str:
    """Return the goals as a Markdown table."""
    lines = ["| must be reached | bound | here | |", "|---|---:|---:|---|"]
    for goal in goals:
        sign = "≥" if goal.at_least else "≤"
        answer = "yes" if goal.reached else "**no**"
        lines.append(
            f"| {goal.what} | {sign} {goal.bound:,.4g} {goal.unit} | {goal.seen:,.4g} {goal.unit} | {answer} |"
        )
    return "\n".join(lines)
