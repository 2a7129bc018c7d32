"""The payload refers to objects outside of itself by persistent ids.

What it finds: ids that ``torch.save`` does not write, and any id in a file that is no PyTorch archive.

Why it matters: ``pickle.load`` and ``joblib.load`` cannot load it; the program that it was made for resolves them, by
code that is not in the file. In a PyTorch archive they are how the tensors find their bytes: there the ids that
``torch.save`` writes, ``("storage", type, key, location, size)``, are expected, and any other is told.

Example: ``persistent_load('connection 7')``.

What to do: ask which program the file is for, and load it with that alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.pickles.trace import Collection, Const, GlobalRef, Operation, Value
from secureload.scan.case import Case, opcode_of, shown_call
from secureload.scan.finding import Finding, Location, Severity

RULE_ID = "SL108"
TITLE = "Persistent id"
SEVERITIES = (Severity.UNKNOWN,)

_STORAGE_MODULES = frozenset({"torch", "torch.storage", "torch.cuda"})
# Where torch.load puts a storage: "cpu", "cuda:0", "meta", … but never a path.
_LONGEST_LOCATION = 32


def check(case: Case) -> Iterator[Finding]:
    """Yield one finding for the first persistent id that the file's own loader does not expect."""
    in_torch = case.trace.reading == "torch"
    for operation in case.trace.operations:
        if operation.kind == "persid" and not (in_torch and _is_expected(case, operation)):
            yield Finding(
                rule_id=RULE_ID,
                severity=Severity.UNKNOWN,
                title="it refers to objects outside of the file",
                location=Location(operation.offset, opcode_of(operation)),
                detail=f"loading it would run: {shown_call(operation)}",
                hint="no persistent id that torch.save writes looks like this"
                if in_torch
                else "this is not a file that pickle.load or joblib.load can load by itself",
            )
            return


def _is_expected(case: Case, operation: Operation) -> bool:
    match operation.args:
        case (Collection("tuple", items, length),) if len(items) == length:
            return _is_storage(items) or _is_source(case, items)
        case (Const(int() | str() as key) as number,):
            # Before 0.1.10: the number of a tensor, which stands in a member of its own.
            return not number.is_cut and (isinstance(key, int) or (key.isascii() and key.isdecimal()))
    return False


def _is_storage(items: tuple[Value, ...]) -> bool:
    """Whether it is a storage: the type, the member that holds its bytes, its device and how many numbers it has.

    The format before 1.6 adds None, or (key, offset, size) of a view into another storage.
    """
    match items:
        case (
            Const("storage"),
            GlobalRef(module, name),
            Const(str() | int()) as key,
            Const(str()) as location,
            Const(int() as size),
            *view,
        ):
            return (
                module in _STORAGE_MODULES
                and name.endswith("Storage")
                and _is_key(key)
                and not location.is_cut
                and location.length <= _LONGEST_LOCATION
                and "/" not in str(location.value)
                and not isinstance(size, bool)
                and size >= 0
                and _is_view(view)
            )
    return False


def _is_key(key: Const) -> bool:
    """Whether it is a number, the name of a member in its archive's folder ``data``.

    ``torch.save`` writes it as text, ``torch.package`` as an integer: ``.data/<n>.storage``.
    """
    if isinstance(key.value, int):
        return not isinstance(key.value, bool) and key.value >= 0
    text = str(key.value)
    return not key.is_cut and text.isascii() and text.isdecimal()


def _is_view(view: list[Value]) -> bool:
    match view:
        case [] | [Const(None)]:
            return True
        case [Collection("tuple", (Const(str()) as key, Const(int()), Const(int())), 3)]:
            return _is_key(key)
    return False


def _is_source(case: Case, items: tuple[Value, ...]) -> bool:
    """Whether it is a class with its source, which the format before 1.6 keeps to warn where that has changed."""
    match items:
        case (Const("module"), GlobalRef() as cls, Const(str() | None), Const(str() | None)):
            return case.allow.find(cls) is not None
        case (GlobalRef() as cls, Const(str() | None), Const(str() | None)):  # before 0.1.10
            return case.allow.find(cls) is not None
    return False
