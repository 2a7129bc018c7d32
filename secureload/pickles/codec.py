"""Traces as plain lists, to cross from the confined tracer to its caller, who believes nothing of them.

The tracer's worker is taken to be hostile once it has seen a byte: :func:`decode_trace` checks the type of
everything and makes text printable again.
"""

from __future__ import annotations

from typing import Any

from secureload.pickles.checked import (
    TraceFormatError,
    as_int,
    as_list,
    as_str,
    as_text,
    each,
    one_of,
    one_word,
)
from secureload.pickles.trace import (
    Collection,
    Const,
    Datum,
    Elided,
    GlobalRef,
    Import,
    Operation,
    OperationKind,
    Reading,
    Result,
    Section,
    Trace,
    TraceProblem,
    Value,
)
from secureload.printable import printable

__all__ = ["TraceFormatError", "decode_trace", "encode_trace"]

_MAX_DEPTH = 12


def encode_trace(trace: Trace) -> list[Any]:
    """Return ``trace`` as nested lists of str, int, float, bool, bytes and None."""
    return [
        trace.reading,
        trace.compression,
        trace.protocol,
        [_encode_import(item) for item in trace.imports],
        [_encode_operation(operation) for operation in trace.operations],
        [[section.kind, section.start, section.end] for section in trace.sections],
        [[problem.kind, problem.message, problem.offset] for problem in trace.problems],
        [list(pair) for pair in trace.versions],
        [trace.bytes_total, trace.bytes_examined, trace.pickles],
        [trace.decompiled, trace.fickling_severity, list(trace.fickling_messages)],
        [
            [_encode_import(item) for item in trace.other_imports],
            [_encode_operation(operation) for operation in trace.other_operations],
        ],
    ]


def _encode_import(item: Import) -> list[Any]:
    return [item.ref.module, item.ref.name, item.count, item.offset]


def _encode_operation(operation: Operation) -> list[Any]:
    return [
        operation.kind,
        _encode_value(operation.target),
        [_encode_value(value) for value in operation.args],
        [[name, _encode_value(value)] for name, value in operation.kwargs],
        operation.count,
        operation.first,
        operation.offset,
    ]


def _encode_value(value: Value) -> list[Any]:
    if isinstance(value, Const):
        return ["c", value.value, value.length]
    if isinstance(value, Datum):
        return ["d", value.kind]
    if isinstance(value, GlobalRef):
        return ["g", value.module, value.name]
    if isinstance(value, Result):
        return ["r", value.kind, [value.of.module, value.of.name] if value.of else None]
    if isinstance(value, Collection):
        return ["k", value.kind, [_encode_value(item) for item in value.items], value.length]
    return ["e"]


def decode_trace(data: object) -> Trace:
    """Return the trace of ``data``.

    Raises:
        TraceFormatError: it is not what :func:`encode_trace` makes.
    """
    try:
        return _decode_trace(data)
    except TraceFormatError:
        raise
    except (ValueError, TypeError, IndexError) as error:
        raise TraceFormatError(f"not a trace ({type(error).__name__})") from error


def _decode_trace(data: Any) -> Trace:
    head, tail = as_list(data)[:5], as_list(data)[5:]
    reading, compression, protocol, imports, operations = head
    sections, problems, versions, counts, fickling, other = tail
    other_imports, other_operations = as_list(other)
    total, examined, pickles = (as_int(number) for number in as_list(counts))
    decompiled, severity, messages = as_list(fickling)
    return Trace(
        reading=one_of(reading, Reading),
        compression=None if compression is None else as_text(compression),
        protocol=as_int(protocol),
        imports=each(imports, _decode_import),
        operations=each(operations, _decode_operation),
        sections=each(
            sections,
            lambda k, s, e: Section(one_word(k, "pickle", "array", "trailing"), as_int(s), as_int(e)),
        ),
        problems=each(
            problems,
            lambda k, m, o: TraceProblem(
                one_word(k, "malformed", "limit", "trailing", "unsupported", "extension"),
                as_text(m),
                as_int(o),
            ),
        ),
        versions=each(versions, lambda library, version: (as_text(library), as_text(version))),
        other_imports=each(other_imports, _decode_import),
        other_operations=each(other_operations, _decode_operation),
        bytes_total=total,
        bytes_examined=examined,
        pickles=pickles,
        decompiled="\n".join(printable(line, 2_000) for line in as_str(decompiled).splitlines()),
        fickling_severity=as_text(severity),
        fickling_messages=tuple(as_text(message) for message in as_list(messages)),
    )


def _decode_import(module: Any, name: Any, count: Any, offset: Any) -> Import:
    return Import(GlobalRef(as_str(module), as_str(name)), as_int(count), as_int(offset))


def _decode_operation(
    kind: Any, target: Any, args: Any, kwargs: Any, count: Any, first: Any, offset: Any
) -> Operation:
    return Operation(
        one_of(kind, OperationKind),
        _decode_value(target),
        tuple(_decode_value(value) for value in as_list(args)),
        each(kwargs, lambda name, value: (as_str(name), _decode_value(value))),
        as_int(count),
        as_int(first),
        as_int(offset),
    )


def _decode_value(data: Any, depth: int = 0) -> Value:
    tag, *parts = as_list(data)
    if depth > _MAX_DEPTH:
        raise TraceFormatError("a value nested too deep")
    if tag == "c":
        value, length = parts
        if value is not None and type(value) not in {bool, int, float, str, bytes}:
            raise TraceFormatError("a constant that is none")
        return Const(value, as_int(length))
    if tag == "d":
        (what,) = parts
        return Datum(one_word(what, "int", "float", "bytes"))
    if tag == "g":
        module, name = parts
        return GlobalRef(as_str(module), as_str(name))
    if tag == "r":
        kind, of = parts
        ref = None if of is None else GlobalRef(*(as_str(part) for part in as_list(of)))
        return Result(one_word(kind, "call", "new", "persid"), ref)
    if tag == "k":
        kind, items, length = parts
        decoded = tuple(_decode_value(item, depth + 1) for item in as_list(items))
        return Collection(
            one_word(kind, "tuple", "list", "dict", "set", "frozenset"), decoded, as_int(length)
        )
    if tag == "e" and not parts:
        return Elided()
    raise TraceFormatError("a value of an unknown form")
