"""fickling, the third reader, reads a payload's own bytes differently, or not at all.

The trace comes from CPython's own unpickler, and a walker of ours reads the same opcodes a second time. fickling has
a parser of its own. Where it sees an import that the trace does not have, two programs take these bytes for two
different pickles: undecided, even if what is imported looks harmless. That it cannot read them is only told; it
reads no arrays of joblib, and not all of protocol 5.

It is asked about small pickles in which something else was found.

Example: an import that stands behind bytes which only fickling reads on from.

What to do: look at what it says the payload imports; do not load the file before it is explained.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Confidence, Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL205"
TITLE = "Third opinion"

GRADES = {
    "fickling.other-import": Grade(
        Severity.UNKNOWN,
        "do not load this file; a pickle that a library wrote is read alike by everybody",
        Confidence.MEDIUM,
    ),
    "fickling.unreadable": Grade(Severity.NOTE, "the other two readers examined it", Confidence.LOW),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each import that only fickling sees, and one where it cannot read the bytes."""
    yield from findings_of(case, RULE_ID, GRADES)
