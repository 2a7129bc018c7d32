"""The file is two programs: one for ``joblib.load``, another for ``pickle.load``.

What it finds: imports and calls that only the reading of ``pickle.load`` has.

Why it matters: joblib steps over the raw bytes of an array, which pickle reads as opcodes. Those of an honest array end
a plain ``pickle.load`` at once; here they go on and import or call what the joblib reading does not show.

Example: an array of bytes that spell ``os.system('echo hello')`` in opcodes.

What to do: do not load the file, by either of the two; no file that joblib writes does this.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.pickles.trace import GlobalRef, Operation
from secureload.scan.case import Case, opcode_of, shown_call, shown_value
from secureload.scan.dangerous import grade
from secureload.scan.finding import Finding, Location, Severity

RULE_ID = "SL110"
TITLE = "Two readings"
SEVERITIES = (Severity.DANGEROUS, Severity.UNKNOWN)


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each import, and one for the first operation, that only the other reading has."""
    for item in case.trace.other_imports:
        dangerous = grade(item.ref) is not None
        yield _finding(
            f"pickle.load of it would import {shown_value(item.ref)}, joblib.load would not",
            Severity.DANGEROUS if dangerous else Severity.UNKNOWN,
            Location(item.offset, "GLOBAL"),
            _first_call(case, item.ref),
        )
    if case.trace.other_operations and not case.trace.other_imports:
        operation = case.trace.other_operations[0]
        yield _finding(
            f"pickle.load of it would do something that joblib.load would not ({shown_value(operation.target)})",
            Severity.UNKNOWN,
            Location(operation.offset, opcode_of(operation)),
            operation,
        )


def _first_call(case: Case, ref: GlobalRef) -> Operation | None:
    return next((operation for operation in case.trace.other_operations if operation.target == ref), None)


def _finding(title: str, severity: Severity, location: Location, operation: Operation | None) -> Finding:
    return Finding(
        rule_id=RULE_ID,
        severity=severity,
        title=title,
        location=location,
        detail=f"loading it would run: {shown_call(operation)}"
        if operation
        else "loading it would import it",
        hint="no file that joblib writes does this; do not load this file",
    )
