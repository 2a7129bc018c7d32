"""A name for a finding that stays the same while the bytes around it move."""

from __future__ import annotations

import hashlib
from collections import Counter

from secureload.report.report import Report, ReportFinding, ordered_findings

__all__ = ["fingerprints"]

_CHARS = 32


def fingerprints(report: Report) -> tuple[tuple[ReportFinding, str], ...]:
    """Return the findings of a report in their order, each with its fingerprint of 32 hexadecimal digits.

    It is made of the rule, the member and the title (which names the global), not of offsets or of the file's
    name; of equal ones the second counts as another. So a baseline survives a model that is saved again.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for finding in ordered_findings(report):
        key = (finding.id, finding.member, finding.title)
        text = "\0".join((*key, str(seen[key])))
        seen[key] += 1
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        found.append((finding, digest[:_CHARS]))
    return tuple(found)
