"""An admitted global is used for more than it was admitted for.

What it finds: a function that models only refer to, and that is called; a class that is only ever built empty and then
given its state, and that is called with arguments.

Why it matters: the list admits what was seen in files of the measured libraries, and no more. A constructor may open or
compute what a state does not.

Example: ``StandardScaler()`` called by the pickle; scikit-learn's own files make it without a call.

What to do: ask the sender how the file was made. If your own class does it in ``__reduce__``, allow it by its name.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.pickles.trace import GlobalRef, Operation
from secureload.scan.allowlist import Tier
from secureload.scan.case import Case, opcode_of, shown_call, shown_value
from secureload.scan.finding import Finding, Location, Severity

RULE_ID = "SL103"
TITLE = "Used beyond its tier"
SEVERITIES = (Severity.UNKNOWN,)


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each call of a new-only global and each use of an import-only one."""
    for operation in case.trace.operations:
        if not isinstance(operation.target, GlobalRef) or operation.kind not in {"call", "new"}:
            continue
        allowed = case.allow.find(operation.target)
        if allowed is None or allowed.tier is Tier.CALLABLE:
            continue
        if allowed.tier is Tier.NEW_ONLY and operation.kind == "new":
            continue
        yield _finding(operation, allowed.tier)


def _finding(operation: Operation, tier: Tier) -> Finding:
    return Finding(
        rule_id=RULE_ID,
        severity=Severity.UNKNOWN,
        title=f"{shown_value(operation.target)} is admitted as {tier.value}, and is {_USES[operation.kind]}",
        location=Location(operation.offset, opcode_of(operation)),
        detail=f"loading it would run: {shown_call(operation)}",
        hint="no file that scikit-learn or numpy writes does this; ask the sender how it was made",
    )


_USES = {"call": "called", "new": "instantiated"}
