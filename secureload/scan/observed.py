"""From what a reader observed to findings: a rule grades the codes that are its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from secureload.printable import printable
from secureload.scan.case import Case
from secureload.scan.finding import Confidence, Finding, Location, Severity
from secureload.values import dataclass

__all__ = ["Grade", "findings_of"]

_DETAIL_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Grade:
    """How a rule judges one code of :class:`~secureload.formats.reading.Observation`."""

    severity: Severity
    hint: str
    confidence: Confidence = Confidence.HIGH


def findings_of(case: Case, rule_id: str, grades: Mapping[str, Grade]) -> Iterator[Finding]:
    """Yield a finding for each observation of the member whose code is one of ``grades``."""
    for observation in case.part.observations:
        grade = grades.get(observation.code)
        if grade is not None:
            yield Finding(
                rule_id=rule_id,
                severity=grade.severity,
                confidence=grade.confidence,
                title=printable(observation.message),
                location=Location(observation.offset, member=case.part.path),
                detail=printable(observation.detail, _DETAIL_CHARS),
                hint=grade.hint,
            )
