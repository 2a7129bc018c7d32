"""The payload changes a global itself: BUILD, APPEND, SETITEM or ADDITEMS on a class, function or module.

What it finds: states and items that are given to what was imported, and not to an object that was made.

Why it matters: loading would plant attributes in code that the whole process uses, ``__builtins__`` of a function for
one, and with it everything that the builtins are.

Example: ``numpy.size`` that is given a ``shape`` which is the module of the builtins.

What to do: do not load the file; ask its sender what it is for.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.pickles.trace import GlobalRef, Operation, Result
from secureload.scan.case import Case, opcode_of, shown_call, shown_value
from secureload.scan.finding import Finding, Location, Severity

RULE_ID = "SL107"
TITLE = "Global changed"
SEVERITIES = (Severity.DANGEROUS,)


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each operation that writes into a global."""
    for operation in case.trace.operations:
        if operation.kind in {"build", "append", "setitem", "additem"} and _is_global(operation):
            yield Finding(
                rule_id=RULE_ID,
                severity=Severity.DANGEROUS,
                title=f"{shown_value(operation.target)} itself would be changed",
                location=Location(operation.offset, opcode_of(operation)),
                detail=f"loading it would run: {shown_call(operation)}",
                hint="do not load this file; ask its sender what it is for",
            )


def _is_global(operation: Operation) -> bool:
    """Whether the target is a global, or an attribute of one: the same function or class for everybody."""
    match operation.target:
        case GlobalRef() | Result(kind="attribute"):
            return True
    return False
