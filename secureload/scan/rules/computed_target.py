"""The payload calls something that it computed: the result of another call.

What is called cannot be known without running it. That is how an attack walks from a harmless name to a
dangerous one (``getattr(getattr(x, "a"), "b")(…)``); no library saves models that way.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.pickles.trace import GlobalRef
from secureload.scan.by_value import restores_by_value
from secureload.scan.case import Case, opcode_of, shown_call
from secureload.scan.finding import Finding, Location, Severity

RULE_ID = "SL106"
TITLE = "Computed call"
SEVERITIES = (Severity.DANGEROUS,)


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each call whose target is not a global."""
    for operation in case.trace.operations:
        if restores_by_value(operation, case.trace):
            continue  # SL111: an instance of a class that was restored from its code
        if operation.kind in {"call", "new"} and not isinstance(operation.target, GlobalRef):
            yield Finding(
                rule_id=RULE_ID,
                severity=Severity.DANGEROUS,
                title="the result of a call is called",
                location=Location(operation.offset, opcode_of(operation)),
                detail=f"loading it would run: {shown_call(operation)}",
                hint="do not load this file; ask its sender what it is for",
            )
