"""A callable that is admitted only under a rule for its arguments is handed on as a value.

What it finds: such a callable among the arguments of a call, in a state or in a collection.

Why it matters: whoever gets it (a partial, a default factory, an estimator's parameter) calls it later, with arguments
that no rule has seen.

It finds as well the classes of time zones that read the file of the name that they are called with.

Example: ``functools.partial(getattr, …)``, or ``getattr`` as the function of a ``FunctionTransformer``.

What to do: do not load the file; ask its sender what it is for.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.arguments import CALL_ONLY, handed_on_wrongly, passed_globals
from secureload.scan.by_value import restores_by_value
from secureload.scan.case import Case, opcode_of, shown_call, shown_value
from secureload.scan.dangerous import grade
from secureload.scan.finding import Finding, Location, Severity

RULE_ID = "SL105"
TITLE = "Callable handed on"
SEVERITIES = (Severity.DANGEROUS, Severity.UNKNOWN)


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each argument that is a call-only global."""
    for operation in case.trace.operations:
        if restores_by_value(operation, case.trace):
            continue  # SL111: cloudpickle hands a metaclass to what makes the class
        for ref in passed_globals(operation):
            allowed = case.allow.find(ref)
            if allowed is None:
                continue
            if allowed.arguments in CALL_ONLY or handed_on_wrongly(ref, operation):
                yield Finding(
                    rule_id=RULE_ID,
                    # Python itself hands a class to its _reconstructor, in protocols 0 and 1.
                    severity=Severity.DANGEROUS if grade(ref) is not None else Severity.UNKNOWN,
                    title=f"{shown_value(ref)} is handed on to {shown_value(operation.target)}",
                    location=Location(operation.offset, opcode_of(operation)),
                    detail=f"loading it would run: {shown_call(operation)}",
                    hint="do not load this file; ask its sender what it is for",
                )
