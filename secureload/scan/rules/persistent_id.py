"""The payload refers to objects outside of itself by persistent ids.

``pickle.load`` and ``joblib.load`` cannot load it; the program that it was made for resolves them, by code
that is not in the file. A container that holds such pickles (a PyTorch archive) has a reader of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case, opcode_of, shown_call
from secureload.scan.finding import Finding, Location, Severity

RULE_ID = "SL108"
TITLE = "Persistent id"
SEVERITIES = (Severity.UNKNOWN,)


def check(case: Case) -> Iterator[Finding]:
    """Yield one finding for the first persistent id."""
    for operation in case.trace.operations:
        if operation.kind == "persid":
            yield Finding(
                rule_id=RULE_ID,
                severity=Severity.UNKNOWN,
                title="it refers to objects outside of the file",
                location=Location(operation.offset, opcode_of(operation)),
                detail=f"loading it would run: {shown_call(operation)}",
                hint="this is not a file that pickle.load or joblib.load can load by itself",
            )
            return
