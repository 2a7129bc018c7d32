"""A finding: which rule, how bad, where, and what to do; and what was looked at to make it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from secureload.pickles.trace import Trace
from secureload.scan.part import Part
from secureload.values import dataclass, field

__all__ = ["Confidence", "Coverage", "Examination", "Finding", "Location", "Severity"]


class Severity(Enum):
    """How bad a finding is: it rejects, leaves undecided, or only tells."""

    DANGEROUS = "dangerous"
    UNKNOWN = "unknown"
    WARNING = "warning"
    NOTE = "note"


class Confidence(Enum):
    """How sure it is that the finding means what it says."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Location:
    """Where in the artifact: the member's path ("" for the artifact itself), the byte offset, the opcode.

    The offset is in bytes of the member, expanded where it is compressed; -1 where it is not known.
    """

    offset: int = -1
    opcode: str = ""
    member: str = ""

    def __str__(self) -> str:
        parts = [self.member] if self.member else []
        parts += [f"offset {self.offset:,}"] if self.offset >= 0 else []
        return ", ".join(parts + ([self.opcode] if self.opcode else []))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. ``title`` is one line about this case, ``detail`` shows it, ``hint`` says what to do.

    ``allow`` is the exact name (``module:name``) that the user could allow to be rid of it, where there is one.
    """

    rule_id: str
    severity: Severity
    title: str
    location: Location
    confidence: Confidence = Confidence.HIGH
    detail: str = ""
    hint: str = ""
    allow: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was looked at: bytes of the (expanded) artifact, pickles and members, in all of its members.

    ``not_examined`` says of what was not, where and why.
    """

    bytes_total: int
    bytes_examined: int
    pickles: int
    members: int = 0
    not_examined: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether something was examined and nothing left out."""
        return (self.pickles > 0 or self.members > 0) and not self.not_examined


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found in one artifact, and in how much of it; ``parts`` begins with the artifact itself."""

    findings: tuple[Finding, ...]
    coverage: Coverage
    parts: Sequence[Part] = field(default=(), repr=False)

    @property
    def trace(self) -> Trace | None:
        """The trace of the artifact itself; None where it is no pickle and names no globals."""
        return self.parts[0].trace if self.parts else None

    def worst(self) -> Severity | None:
        """Return the severity of the worst finding."""
        order = list(Severity)
        return min((finding.severity for finding in self.findings), key=order.index, default=None)
