"""What a rule is given, and how it shows a global or a call."""

from __future__ import annotations

from collections.abc import Mapping

from secureload.pickles.trace import (
    Collection,
    Const,
    GlobalRef,
    Operation,
    Result,
    Trace,
    Value,
)
from secureload.printable import printable
from secureload.scan.allowlist import AllowList
from secureload.scan.part import Part
from secureload.values import dataclass

__all__ = ["Case", "first_uses", "opcode_of", "shown_call", "shown_value"]

_SHOWN_CHARS = 120
_OPCODES = {"call": "REDUCE", "new": "NEWOBJ", "build": "BUILD", "append": "APPENDS", "setitem": "SETITEMS",
            "additem": "ADDITEMS", "persid": "BINPERSID"}  # fmt: skip


_NO_TRACE = Trace(reading="pickle")


@dataclass(frozen=True, slots=True)
class Case:
    """One member to judge, by one allow-list; ``installed`` maps libraries to the versions that are here."""

    part: Part
    allow: AllowList
    installed: Mapping[str, str]

    @property
    def trace(self) -> Trace:
        """What the member would do where it is unpickled or names globals; else the trace of nothing."""
        return self.part.trace if self.part.trace is not None else _NO_TRACE


def first_uses(trace: Trace) -> dict[Value, Operation]:
    """Return for each target the first operation on it."""
    found: dict[Value, Operation] = {}
    for operation in trace.operations:
        found.setdefault(operation.target, operation)
    return found


def opcode_of(operation: Operation) -> str:
    """Return the opcode that usually makes this kind of operation, as pickletools names it."""
    return _OPCODES[operation.kind]


def shown_value(value: Value) -> str:
    """Return a value as one would write it in Python, made printable and cut."""
    if isinstance(value, Const):
        text = printable(repr(value.value), _SHOWN_CHARS)
        return f"{text}… ({value.length:,} in all)" if value.is_cut else text
    if isinstance(value, GlobalRef):
        return printable(f"{value.module}.{value.name}", _SHOWN_CHARS)
    if isinstance(value, Result):
        if value.of is None:
            return "<computed>"
        return shown_value(value.of) if value.kind == "attribute" else f"<result of {shown_value(value.of)}>"
    if isinstance(value, Collection):
        return _shown_collection(value)
    return "…"


def _shown_collection(value: Collection) -> str:
    more = ", …" if value.length > len(value.items) else ""
    if value.kind == "dict":
        pairs = [item.items for item in value.items if isinstance(item, Collection)]
        return "{" + ", ".join(": ".join(map(shown_value, pair)) for pair in pairs) + more + "}"
    inner = ", ".join(map(shown_value, value.items)) + more
    if value.kind == "list":
        return f"[{inner}]"
    if value.kind == "tuple":
        return f"({inner},)" if len(value.items) == 1 and not more else f"({inner})"
    return f"{value.kind}({inner})"


def shown_call(operation: Operation) -> str:
    """Return an operation as one would write it in Python."""
    target = shown_value(operation.target)
    args = [shown_value(value) for value in operation.args]
    args += [f"{printable(name, 40)}={shown_value(value)}" for name, value in operation.kwargs]
    inside = ", ".join(args)
    if operation.kind == "new":
        return f"{target}.__new__({inside})"
    if operation.kind == "build":
        return f"{target}.__setstate__({inside})"
    if operation.kind in {"append", "setitem", "additem"}:
        return f"{target} is filled with {inside}"
    if operation.kind == "persid":
        return f"persistent_load({inside})"
    return f"{target}({inside})"
