"""Traces as plain lists, to cross from the confined tracer to its caller, who believes nothing of them.

The tracer's worker is taken to be hostile once it has seen a byte: :func:`decode_trace` checks the type of
everything and makes text printable again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_args

from secureload.pickles.trace import (
    Collection,
    Const,
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

T = TypeVar("T")

_MAX_DEPTH = 12
_MESSAGE_CHARS = 400


class TraceFormatError(ValueError):
    """What came is not an encoded trace."""


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
    head, tail = _list(data)[:5], _list(data)[5:]
    reading, compression, protocol, imports, operations = head
    sections, problems, versions, counts, fickling, other = tail
    other_imports, other_operations = _list(other)
    total, examined, pickles = (_int(number) for number in _list(counts))
    decompiled, severity, messages = _list(fickling)
    return Trace(
        reading=_one_of(reading, Reading),
        compression=None if compression is None else _text(compression),
        protocol=_int(protocol),
        imports=_each(imports, _decode_import),
        operations=_each(operations, _decode_operation),
        sections=_each(
            sections, lambda k, s, e: Section(_member(k, "pickle", "array", "trailing"), _int(s), _int(e))
        ),
        problems=_each(
            problems,
            lambda k, m, o: TraceProblem(
                _member(k, "malformed", "limit", "trailing", "unsupported", "extension"), _text(m), _int(o)
            ),
        ),
        versions=_each(versions, lambda library, version: (_text(library), _text(version))),
        other_imports=_each(other_imports, _decode_import),
        other_operations=_each(other_operations, _decode_operation),
        bytes_total=total,
        bytes_examined=examined,
        pickles=pickles,
        decompiled="\n".join(printable(line, 2_000) for line in _str(decompiled).splitlines()),
        fickling_severity=_text(severity),
        fickling_messages=tuple(_text(message) for message in _list(messages)),
    )


def _decode_import(module: Any, name: Any, count: Any, offset: Any) -> Import:
    return Import(GlobalRef(_str(module), _str(name)), _int(count), _int(offset))


def _decode_operation(
    kind: Any, target: Any, args: Any, kwargs: Any, count: Any, first: Any, offset: Any
) -> Operation:
    return Operation(
        _one_of(kind, OperationKind),
        _decode_value(target),
        tuple(_decode_value(value) for value in _list(args)),
        _each(kwargs, lambda name, value: (_str(name), _decode_value(value))),
        _int(count),
        _int(first),
        _int(offset),
    )


def _decode_value(data: Any, depth: int = 0) -> Value:
    tag, *parts = _list(data)
    if depth > _MAX_DEPTH:
        raise TraceFormatError("a value nested too deep")
    if tag == "c":
        value, length = parts
        if value is not None and type(value) not in {bool, int, float, str, bytes}:
            raise TraceFormatError("a constant that is none")
        return Const(value, _int(length))
    if tag == "g":
        module, name = parts
        return GlobalRef(_str(module), _str(name))
    if tag == "r":
        kind, of = parts
        ref = None if of is None else GlobalRef(*(_str(part) for part in _list(of)))
        return Result(_member(kind, "call", "new", "persid"), ref)
    if tag == "k":
        kind, items, length = parts
        decoded = tuple(_decode_value(item, depth + 1) for item in _list(items))
        return Collection(_member(kind, "tuple", "list", "dict", "set", "frozenset"), decoded, _int(length))
    if tag == "e" and not parts:
        return Elided()
    raise TraceFormatError("a value of an unknown form")


def _each(data: Any, build: Callable[..., T]) -> tuple[T, ...]:
    return tuple(build(*_list(item)) for item in _list(data))


def _list(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise TraceFormatError("something that is not a list")
    return data


def _int(data: Any) -> int:
    if type(data) is not int:
        raise TraceFormatError("something that is not a number")
    return data


def _str(data: Any) -> str:
    if not isinstance(data, str):
        raise TraceFormatError("something that is not text")
    return data


def _text(data: Any) -> str:
    return printable(_str(data), _MESSAGE_CHARS)


def _member(data: Any, *allowed: str) -> Any:
    if data not in allowed:
        raise TraceFormatError("a word that is not in the vocabulary")
    return data


def _one_of(data: Any, literal: Any) -> Any:
    return _member(data, *get_args(literal))
