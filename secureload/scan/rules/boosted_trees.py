"""A model of XGBoost, LightGBM or CatBoost holds more or less than its format has.

The native formats of these libraries hold numbers and names, and nothing runs them. Bytes that follow the model
are read by none of the libraries: the file may be another one as well. A model of lines of text has no other
bytes, and ends with its trees.

Example: a model of XGBoost with a pickle behind its last byte.

What to do: ask its sender for the model as its library wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL491"
TITLE = "Boosted trees with something besides"

_AGAIN = "get the file from its original source, or have it saved again"
GRADES = {
    "boosted.tail": Grade(Severity.UNKNOWN, _AGAIN),
    "boosted.not-text": Grade(Severity.UNKNOWN, _AGAIN),
    "boosted.cut-off": Grade(Severity.UNKNOWN, _AGAIN),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each thing that does not belong to the model."""
    yield from findings_of(case, RULE_ID, GRADES)
