"""A finding: which rule, how bad, where, and what to do; and what was looked at to make it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from secureload.pickles.trace import Trace

__all__ = ["Coverage", "Examination", "Finding", "Location", "Severity"]


class Severity(Enum):
    """How bad a finding is: it rejects, leaves undecided, or only tells."""

    DANGEROUS = "dangerous"
    UNKNOWN = "unknown"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Location:
    """Where in the artifact: the byte offset that the reader had reached in the expanded stream, -1 unknown."""

    offset: int = -1
    opcode: str = ""

    def __str__(self) -> str:
        parts = [f"offset {self.offset:,}"] if self.offset >= 0 else []
        return ", ".join(parts + ([self.opcode] if self.opcode else []))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. ``title`` is one line about this case, ``detail`` shows it, ``hint`` says what to do."""

    rule_id: str
    severity: Severity
    title: str
    location: Location
    detail: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was looked at, in bytes of the (expanded) stream; ``not_examined`` says why the rest was not."""

    bytes_total: int
    bytes_examined: int
    pickles: int
    not_examined: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether something was examined and nothing left out."""
        return self.pickles > 0 and not self.not_examined


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found in one artifact, and in how much of it. ``trace`` is None where no reader fits it."""

    findings: tuple[Finding, ...]
    coverage: Coverage
    trace: Trace | None = field(default=None, repr=False)

    def worst(self) -> Severity | None:
        """Return the severity of the worst finding."""
        order = list(Severity)
        return min((finding.severity for finding in self.findings), key=order.index, default=None)
