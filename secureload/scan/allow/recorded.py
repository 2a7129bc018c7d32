"""Traces as text files beside the tests: what the models of a library would import and do, one operation a line."""

from __future__ import annotations

import json
from typing import Any

from secureload.pickles.trace import (
    Collection,
    Const,
    Datum,
    Elided,
    GlobalRef,
    Import,
    Operation,
    Result,
    Trace,
    Value,
)

__all__ = ["as_text", "from_text"]

_BYTES = 8


def as_text(release: str, trace: Trace) -> str:
    """Return the imports and operations of ``trace``, without counts and offsets; of bytes the first few."""
    operations = [
        [operation.kind, _plain(operation.target), list(map(_plain, operation.args))]
        + ([{name: _plain(value) for name, value in operation.kwargs}] if operation.kwargs else [])
        for operation in trace.operations
    ]
    head = {
        "release": release,
        "reading": trace.reading,
        "versions": [list(pair) for pair in trace.versions],
        "imports": [[item.ref.module, item.ref.name] for item in trace.imports],
    }
    lines = [json.dumps(head, separators=(",", ":"))]
    lines += [json.dumps(operation, separators=(",", ":")) for operation in operations]
    return "\n".join(lines) + "\n"


def from_text(text: str) -> tuple[str, Trace]:
    """Return the release and the trace that :func:`as_text` wrote."""
    first, *lines = text.splitlines()
    head = json.loads(first)
    trace = Trace(
        reading=head["reading"],
        versions=tuple((library, version) for library, version in head["versions"]),
        imports=tuple(Import(GlobalRef(module, name)) for module, name in head["imports"]),
        operations=tuple(_operation(*json.loads(line)) for line in lines),
        pickles=1,
    )
    return head["release"], trace


def _operation(kind: Any, target: Any, args: list[Any], kwargs: dict[str, Any] | None = None) -> Operation:
    named = tuple((name, _value(value)) for name, value in (kwargs or {}).items())
    return Operation(kind, _value(target), tuple(map(_value, args)), named)


def _plain(value: Value) -> Any:
    match value:
        case Const(bytes() as data, length):
            return {"bytes": data[:_BYTES].hex(), "length": length}
        case Const(str() as text, length):
            return text if len(text) == length else {"cut": text, "length": length}
        case Const(plain):
            return plain
        case Datum(kind):
            return {"datum": kind}
        case GlobalRef(module, name):
            return {"global": [module, name]}
        case Result(kind, of):
            return {kind: None if of is None else [of.module, of.name]}
        case Collection(kind, items, length):
            return {kind: list(map(_plain, items)), **({"length": length} if length != len(items) else {})}
    return {"elided": True}


def _value(plain: Any) -> Value:
    if not isinstance(plain, dict):
        return Const(plain, len(plain)) if isinstance(plain, str) else Const(plain)
    (kind, content), *rest = plain.items()
    length = rest[0][1] if rest else None
    match kind:
        case "bytes":
            return Const(bytes.fromhex(content), length or 0)
        case "cut":
            return Const(content, length or 0)
        case "datum":
            return Datum(content)
        case "global":
            return GlobalRef(*content)
        case "call" | "new" | "persid" | "attribute":
            return Result(kind, None if content is None else GlobalRef(*content))
        case "tuple" | "list" | "dict" | "set" | "frozenset":
            items = tuple(map(_value, content))
            return Collection(kind, items, len(items) if length is None else length)
    return Elided()
