"""A pickle stands among bytes that belong to no known format: behind garbage, or appended to something.

No loader that is known here would run it where it stands. A program that seeks to it would: it is a way to get
a payload past whoever looks at the beginning of a file only. What it imports and calls is judged as in any
other pickle, under its own name.

Example: a pickle behind a thousand zero bytes.

What to do: ask the sender what the file is; a model has nothing of the kind in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Confidence, Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL409"
TITLE = "Embedded pickle"
GRADES = {
    "embedded.pickle": Grade(
        Severity.UNKNOWN, "ask the sender what these bytes are; do not load the file", Confidence.MEDIUM
    ),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each pickle among bytes that no reader knows."""
    yield from findings_of(case, RULE_ID, GRADES)
