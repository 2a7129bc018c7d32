"""The file is two programs: one for ``joblib.load``, another for ``pickle.load``.

What it finds: imports and calls that only the reading of ``pickle.load`` has.

Why it matters: joblib steps over the raw bytes of an array, which pickle reads as opcodes. Those of an honest array end
a plain ``pickle.load`` at once; here they go on and import or call what the joblib reading does not show.

Example: an array of bytes that spell ``os.system('echo hello')`` in opcodes.

An honest array of objects is a pickle of its own between those bytes. A plain ``pickle.load`` reads it with the
memory of the pickle around it, in which other texts stand: where joblib imports ``numpy.dtype``, it looks for
``columns.dtype`` and fails. That is a note, as long as all else that it would do is what joblib does.

What to do: do not load the file, by either of the two; no file that joblib writes does this.
"""

from __future__ import annotations

from collections.abc import Iterator, Set

from secureload.pickles.trace import Collection, GlobalRef, Operation, Result, Value
from secureload.scan.case import Case, opcode_of, shown_call, shown_value
from secureload.scan.dangerous import grade
from secureload.scan.finding import Finding, Location, Severity

RULE_ID = "SL110"
TITLE = "Two readings"
SEVERITIES = (Severity.DANGEROUS, Severity.UNKNOWN, Severity.NOTE)

_HINT = "no file that joblib writes does this; do not load this file"
_DTYPE = GlobalRef("numpy", "dtype")


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each import, and one for the first operation, that only the other reading has."""
    misread = {item.ref for item in case.trace.other_imports if _is_misread(case, item.ref)}
    for item in case.trace.other_imports:
        severity = Severity.DANGEROUS if grade(item.ref) is not None else Severity.UNKNOWN
        yield _finding(
            f"pickle.load of it would import {shown_value(item.ref)}, joblib.load would not",
            Severity.NOTE if item.ref in misread else severity,
            Location(item.offset, "GLOBAL"),
            _first_call(case, item.ref),
        )
    if len(misread) == len(case.trace.other_imports):
        yield from _first_other(case, misread)


def _first_other(case: Case, misread: set[GlobalRef]) -> Iterator[Finding]:
    """Yield a finding for the first operation that joblib's reading does not have under the right name either."""
    known = {_what(operation) for operation in case.trace.operations}
    for operation in case.trace.other_operations:
        if _what(operation, misread) in known:
            continue
        yield _finding(
            f"pickle.load of it would do something that joblib.load would not ({shown_value(operation.target)})",
            Severity.UNKNOWN,
            Location(operation.offset, opcode_of(operation)),
            operation,
        )
        return


def _is_misread(case: Case, ref: GlobalRef) -> bool:
    """Whether it is numpy's dtype, under the name that another memory gives it, and is used like that one."""
    if ref.name != _DTYPE.name or grade(ref) is not None:
        return False
    known = {_what(operation) for operation in case.trace.operations}
    uses = [operation for operation in case.trace.other_operations if operation.target == ref]
    return all(_what(operation, {ref}) in known for operation in uses)


def _what(operation: Operation, misread: Set[GlobalRef] = frozenset()) -> object:
    """Return the operation without its counts, and with numpy's name for what was misread."""
    values = (operation.target, *operation.args, *(value for _, value in operation.kwargs))
    names = tuple(name for name, _ in operation.kwargs)
    return (operation.kind, names, tuple(_named(value, misread) for value in values))


def _named(value: Value, misread: Set[GlobalRef]) -> Value:
    match value:
        case GlobalRef() if value in misread:
            return _DTYPE
        case Result(kind, of) if of in misread:
            return Result(kind, _DTYPE)
        case Collection(kind, items, length):
            return Collection(kind, tuple(_named(item, misread) for item in items), length)
    return value


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
        hint=_HINT if severity is not Severity.NOTE else "load it with joblib.load, which it was saved for",
    )
