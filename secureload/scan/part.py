"""What was read of one member of an artifact: the value that the rules judge."""

from __future__ import annotations

from secureload.formats.reading import Observation, Problem
from secureload.pickles.trace import Trace
from secureload.values import dataclass

__all__ = ["Part", "part_of_trace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One member, or the artifact itself, whose ``path`` is "".

    ``path`` is the member's name in its container; behind "!/" follows a name inside that member. ``format``
    is a name of the catalog, ``loader`` what would load it. ``trace`` is there where the member is a pickle,
    or names globals that its loader imports. ``data_members`` counts the members that are raw data to the
    loader, were looked at, and have nothing to say. ``bytes_total`` and ``bytes_examined`` are of this member alone.
    """

    path: str
    format: str
    description: str
    loader: str = ""
    compression: str | None = None
    trace: Trace | None = None
    observations: tuple[Observation, ...] = ()
    problems: tuple[Problem, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    data_members: int = 0
    bytes_total: int = 0
    bytes_examined: int = 0
    extension_disagrees: str = ""

    @property
    def examined(self) -> bool:
        """Whether anything of it was looked at; a member without bytes has nothing to hide."""
        return self.bytes_examined > 0 or (self.path != "" and self.bytes_total == 0)


def part_of_trace(trace: Trace) -> Part:
    """Return the part of an artifact that is one pickle, from what was traced of it."""
    return Part(
        path="",
        format="pickle",
        description="a pickle",
        loader=f"{trace.reading}.load",
        compression=trace.compression,
        trace=trace,
        bytes_total=trace.bytes_total,
        bytes_examined=trace.bytes_examined,
    )
