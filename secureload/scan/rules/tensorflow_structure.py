"""A TensorFlow model has a field that no version known here writes.

Every runtime steps over fields that it does not know. A newer TensorFlow may have written it; what stands in it
is examined as a member of its own.

Example: field 900 of a ``MetaGraphDef``.

What to do: ask which version of TensorFlow saved it.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL472"
TITLE = "TensorFlow structure"

GRADES = {"tensorflow.unknown-field": Grade(Severity.NOTE, "check with a newer secureload")}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each field that is not known."""
    yield from findings_of(case, RULE_ID, GRADES)
