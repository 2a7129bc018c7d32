"""Functions or classes are saved as their code, by cloudpickle, dill or hand: the file is a program.

What it finds: code objects (``types.CodeType``, dill's ``_create_code``) and the functions of cloudpickle and
dill that make functions, classes and imports of what the file holds.

Why it matters: pickle saves a function by its name, and the code comes from a module that you have installed.
These libraries save its bytes instead, so that whoever made the file wrote code that runs in your process: at the
first call of the function, or while the file is loaded if it is a method that pickle calls. No list of names can
tell whether that code is harmless, so that it is never accepted: *undecided*, with its instructions for you to
read. Where it looks up what starts programs, runs text or connects (``system``, ``exec``, ``socket``), it is
*dangerous*.

Example: ``cloudpickle.dumps(lambda x: x + 1)``, or a class that was defined in a notebook.

What to do: ask for a file that was saved by name. Move the function or class into a module that both sides have
installed, and save the model again with pickle, joblib or skops. The names cannot be allowed by a flag.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.pickles.code_makers import makes_code
from secureload.pickles.trace import Const, GlobalRef, Operation, Value
from secureload.printable import printable
from secureload.scan.by_value import is_by_value
from secureload.scan.case import Case, opcode_of, shown_call, shown_value
from secureload.scan.code_names import why_code_is_dangerous, why_name_is_dangerous
from secureload.scan.code_shown import CodeShown, code_of
from secureload.scan.finding import Finding, Location, Severity

RULE_ID = "SL111"
TITLE = "Code by value"
SEVERITIES = (Severity.DANGEROUS, Severity.UNKNOWN)

_HINT = (
    "move it into a module that is installed on both sides, and save the model again with pickle or joblib"
)
_REFUSE = "do not load this file; ask its sender what it is for"
_IMPORTS = frozenset({"subimport", "dynamic_subimport", "_import_module"})
_LOOKS_UP = frozenset({"_builtin_type"})
_TYPE_ENDS = ("Type", "Namespace", "Alias")
# What gives a function, class, cell or dictionary its state: meant for what was made just before.
_SETS = frozenset(
    {
        "_class_setstate",
        "_fill_function",
        "_function_setstate",
        "_rehydrate_skeleton_class",
        "_setitems",
        "cell_set",
    }
)
# Disassemblies take room: those of the first pieces of code are shown, of all of them the names.
_MOST_SHOWN = 50
_MOST_NAMES = 12


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each piece of code, each import by a text, and one for the machinery without code."""
    found = 0
    for operation in case.trace.operations:
        finding = _finding(operation, shown=found < _MOST_SHOWN)
        if finding is not None:
            found += 1
            yield finding
    machinery = next((item for item in case.trace.imports if is_by_value(item.ref)), None)
    if machinery is not None and not found:
        yield Finding(
            rule_id=RULE_ID,
            severity=Severity.UNKNOWN,
            title=f"{shown_value(machinery.ref)} restores functions or classes from their code",
            location=Location(machinery.offset, "GLOBAL"),
            detail="loading it would import it",
            hint=_HINT,
        )


def _finding(operation: Operation, *, shown: bool) -> Finding | None:
    target = operation.target
    if operation.kind == "call" and makes_code(target):
        code = code_of(operation)
        if code is not None:
            return _of_code(operation, code, shown=shown)
    if not isinstance(target, GlobalRef):
        return None
    if (target.module, target.name) == ("types", "CodeType"):
        return _of_call(operation, "it makes code of arguments that are not those of a code object")
    if not is_by_value(target):
        return None
    text = _text(operation.args[0]) if operation.args else None
    if target.name in _IMPORTS:
        return _of_call(operation, f"it imports {text or 'a module'} by name", _dangerous_part(text))
    if target.name in _LOOKS_UP and not _is_type_name(text):
        what = text or "something computed"
        return _of_call(operation, f"it looks {what} up in the module types", "walks attributes")
    if target.name in _SETS and isinstance(operation.args[0] if operation.args else None, GlobalRef):
        changed = shown_value(operation.args[0])
        return _of_call(operation, f"{changed} itself would be changed", "walks attributes")
    return None


def _of_code(operation: Operation, code: CodeShown, *, shown: bool) -> Finding:
    why = why_code_is_dangerous(code)
    names = ", ".join(printable(name, 40) for name in code.names[:_MOST_NAMES])
    more = f" and {len(code.names) - _MOST_NAMES:,} more" if len(code.names) > _MOST_NAMES else ""
    about = f"looks up {names}{more}" if names else "looks nothing up"
    if not code.whole:
        about += "; it is longer than what is shown"
    lines = code.lines if shown else ()
    return Finding(
        rule_id=RULE_ID,
        severity=Severity.DANGEROUS if why else Severity.UNKNOWN,
        title=f"code by value: {code.name} looks up {printable(why[0], 40)}, which {why[1].name}"
        if why
        else f"code by value: {code.name}",
        location=Location(operation.offset, opcode_of(operation)),
        detail="\n".join((f"the code {about}", *lines)),
        hint=_REFUSE if why else _HINT,
    )


def _of_call(operation: Operation, title: str, technique: str | None = None) -> Finding:
    return Finding(
        rule_id=RULE_ID,
        severity=Severity.DANGEROUS if technique else Severity.UNKNOWN,
        title=f"{title}, which {technique}" if technique else title,
        location=Location(operation.offset, opcode_of(operation)),
        detail=f"loading it would run: {shown_call(operation)}",
        hint=_REFUSE if technique else _HINT,
    )


def _text(value: Value) -> str | None:
    return printable(value.value, 80) if isinstance(value, Const) and isinstance(value.value, str) else None


def _dangerous_part(text: str | None) -> str | None:
    found = (why_name_is_dangerous(part) for part in (text or "").split("."))
    return next((technique.name for technique in found if technique is not None), None)


def _is_type_name(text: str | None) -> bool:
    return text is not None and text.isidentifier() and text[0].isupper() and text.endswith(_TYPE_ENDS)
