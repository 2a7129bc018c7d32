"""An admitted callable is called with arguments, or given a state, that benign files do not have.

What it finds: calls and states that do not fit the rule that stands beside a name on the allow-list, such as a number
where text belongs, a global among data, or an attribute that is not on the list.

Why it matters: whether a call is harmless depends on its arguments. ``getattr`` of a listed method restores a model;
``getattr`` of anything else is the first step of an attack.

Example: ``getattr(object, '__subclasses__')``.

What to do: ask the sender how the file was made. A new release of a library may write something new: please report it.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.pickles.trace import Collection, Const, GlobalRef, Operation, Result
from secureload.printable import printable
from secureload.scan.allowlist import Tier
from secureload.scan.argument_values import walk
from secureload.scan.arguments import why_unfit
from secureload.scan.by_value import restores_by_value
from secureload.scan.case import Case, opcode_of, shown_call, shown_value
from secureload.scan.code_names import why_text_is_dangerous
from secureload.scan.dangerous import grade
from secureload.scan.file_arguments import named_file
from secureload.scan.finding import Finding, Location, Severity

RULE_ID = "SL104"
TITLE = "Unfit arguments"
SEVERITIES = (Severity.DANGEROUS, Severity.UNKNOWN)

# A class that is only ever built empty may be given data, never a callable.
_WITHOUT_RULE = "data"
# By the argument rule: under which key of the state stands a text that the library runs.
_RUN_TEXTS = {"distribution": "_parse_arg_template", "model-data": "formula"}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each operation on an admitted callable that does not fit its argument rule."""
    for operation in case.trace.operations:
        if restores_by_value(operation, case.trace):
            continue  # SL111
        ref = _subject(operation)
        allowed = case.allow.find(ref) if ref is not None else None
        if ref is None or allowed is None or allowed.tier is Tier.IMPORT_ONLY:
            continue
        why = why_unfit(
            allowed.arguments or _WITHOUT_RULE, operation, lambda named: case.allow.find(named) is not None
        )
        if why is not None:
            rule = allowed.arguments or ""
            words = _dangerous_words(operation, _RUN_TEXTS.get(rule))
            if (file := named_file(rule, operation)) is not None:
                words += f": it opens {file}"
            yield Finding(
                rule_id=RULE_ID,
                severity=Severity.DANGEROUS if words or grade(ref) is not None else Severity.UNKNOWN,
                title=f"{shown_value(ref)}: {why}{words}",
                location=Location(operation.offset, opcode_of(operation)),
                detail=f"loading it would run: {shown_call(operation)}",
                hint="no file that scikit-learn or numpy writes does this; ask the sender how it was made",
            )


def _dangerous_words(operation: Operation, key: str | None) -> str:
    """Return what the text under ``key`` in a state gives away, "" where there is none or it gives away nothing."""
    if key is None or operation.kind != "build":
        return ""
    for value in operation.args:
        for item in walk(value):
            match item:
                case Collection("tuple", (Const(str(name)), Const(str(text)))) if name == key:
                    if found := why_text_is_dangerous(text):
                        return f": {printable(found[0], 40)} {found[1].name}"
    return ""


def _subject(operation: Operation) -> GlobalRef | None:
    if isinstance(operation.target, GlobalRef):
        return operation.target
    if isinstance(operation.target, Result):
        return operation.target.of
    return None
