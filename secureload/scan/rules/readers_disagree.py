"""Two readers of the same bytes see different imports or calls.

Every pickle is read twice: by CPython's own unpickler, run without anything real to hold on to, and by a walk
over its opcodes that follows the unpickler in Python, which joblib uses. Bytes that a library writes mean the
same to both. Where they do not, the file does one thing for one loader and another for the next: a frame
that ends inside of an argument, arguments that only one unpickler takes, a protocol that changes in between.
Such a file was made to be looked at by one reader and loaded by another.

What comes behind a place where the unpickler gave up is seen by the walk alone; other loaders may get there.

Example: a frame of three bytes in which an argument of ten begins.

What to do: do not load the file; no library writes it.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.pickles.trace import Disagreement, Result
from secureload.scan.case import Case, shown_value
from secureload.scan.dangerous import grade
from secureload.scan.finding import Finding, Location, Severity

RULE_ID = "SL203"
TITLE = "Readers disagree"
SEVERITIES = (Severity.DANGEROUS, Severity.UNKNOWN)

_DOES = {
    "import": "imports", "call": "calls", "new": "instantiates", "build": "sets the state of",
    "append": "fills", "setitem": "fills", "additem": "fills", "persid": "asks for the object of",
}  # fmt: skip
_OPCODES = {"import": "GLOBAL", "call": "REDUCE", "new": "NEWOBJ", "build": "BUILD", "append": "APPENDS",
            "setitem": "SETITEMS", "additem": "ADDITEMS", "persid": "BINPERSID"}  # fmt: skip
_READERS = {"unpickler": "CPython's unpickler", "walker": "the walk over its opcodes"}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each disagreement that a place where the unpickler stopped does not explain."""
    lies = any(anomaly.code == "frame.crossed" for anomaly in case.trace.anomalies)
    for item in case.trace.disagreements:
        ref = item.target.of if isinstance(item.target, Result) else item.target
        admitted = ref is not None and case.allow.find(ref) is not None
        if admitted and item.seen_by == "walker" and case.trace.problems:
            continue
        dangerous = ref is not None and not admitted and grade(ref) is not None
        yield _finding(item, Severity.DANGEROUS if dangerous or lies else Severity.UNKNOWN)


def _finding(item: Disagreement, severity: Severity) -> Finding:
    what = shown_value(item.target)
    return Finding(
        rule_id=RULE_ID,
        severity=severity,
        title=f"only {_READERS[item.seen_by]} {_DOES[item.kind]} {what}, or does so more often",
        location=Location(item.offset, _OPCODES[item.kind]),
        detail="what this file does depends on the loader that reads it",
        hint="no file that a library writes is read in two ways; do not load this file",
    )
