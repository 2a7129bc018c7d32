"""The payload calls something that it computed: the result of another call.

What it finds: calls and instances of what is not a global. A method that ``getattr`` reads from a class by a plain name
is known, and is judged like a global of that name.

Why it matters: what is called cannot be known without running it. That is how an attack walks from a harmless name to a
dangerous one; no library saves models that way.

Example: ``getattr(getattr(x, "a"), "b")(…)``.

What to do: do not load the file; ask its sender what it is for.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.pickles.trace import GlobalRef, Operation, Result
from secureload.scan.allowlist import Tier
from secureload.scan.by_value import restores_by_value
from secureload.scan.case import Case, opcode_of, shown_call
from secureload.scan.finding import Finding, Location, Severity

RULE_ID = "SL106"
TITLE = "Computed call"
SEVERITIES = (Severity.DANGEROUS,)


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each call whose target is neither a global nor an admitted method of a class."""
    for operation in case.trace.operations:
        if restores_by_value(operation, case.trace):
            continue  # SL111: an instance of a class that was restored from its code
        if operation.kind in {"call", "new"} and not _is_known(case, operation):
            yield Finding(
                rule_id=RULE_ID,
                severity=Severity.DANGEROUS,
                title="the result of a call is called",
                location=Location(operation.offset, opcode_of(operation)),
                detail=f"loading it would run: {shown_call(operation)}",
                hint="do not load this file; ask its sender what it is for",
            )


def _is_known(case: Case, operation: Operation) -> bool:
    match operation.target:
        case GlobalRef():
            return True
        case Result(kind="attribute", of=GlobalRef() as method):
            allowed = case.allow.find(method)
            return operation.kind == "call" and allowed is not None and allowed.tier is Tier.CALLABLE
    return False
