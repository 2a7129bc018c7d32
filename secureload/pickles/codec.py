"""Traces as plain lists, to cross from the confined tracer to its caller, who believes nothing of them.

The tracer's worker is taken to be hostile once it has seen a byte: :func:`decode_trace` checks the type of
everything and makes text printable again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, get_args

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
    Anomaly,
    Collection,
    Const,
    Datum,
    Disagreement,
    Elided,
    GlobalRef,
    Import,
    Operation,
    OperationKind,
    Reading,
    Result,
    Section,
    SideFile,
    Trace,
    TraceProblem,
    Value,
)
from secureload.printable import printable

__all__ = ["TraceFormatError", "decode_trace", "encode_trace", "offset_places"]

_MAX_DEPTH = 12
_SECTIONS: Final = ("pickle", "array", "trailing")


def encode_trace(trace: Trace, numbers: list[int]) -> list[Any]:
    """Return the shape of ``trace`` as nested lists of str, int, float, bool, bytes and None.

    What differs between two models of one kind (offsets, counts, sizes) is appended to ``numbers`` in the order
    in which :func:`decode_trace` takes it; the shape is the same, and its decoding can be remembered.
    """
    numbers += (trace.bytes_total, trace.bytes_examined, len(trace.sections))
    for section in trace.sections:
        numbers += (_SECTIONS.index(section.kind), section.start, section.end)
    return [
        trace.reading,
        trace.compression,
        trace.protocol,
        _encode_imports(trace.imports, numbers),
        _encode_operations(trace.operations, numbers),
        [_encode_problem(problem, numbers) for problem in trace.problems],
        [list(pair) for pair in trace.versions],
        trace.pickles,
        [trace.decompiled, trace.fickling_severity, list(trace.fickling_messages)],
        [
            _encode_imports(trace.other_imports, numbers),
            _encode_operations(trace.other_operations, numbers),
        ],
        [_encode_side_file(file, numbers) for file in trace.side_files],
        [_encode_disagreement(item, numbers) for item in trace.disagreements],
        [_encode_anomaly(anomaly, numbers) for anomaly in trace.anomalies],
        trace.nested_examined,
    ]


def offset_places(trace: Trace) -> list[int]:
    """Return which of the numbers of an encoded ``trace`` are offsets; the trace has no problems and nothing odd."""
    places, at = [0, 1], 3
    for _ in trace.sections:
        places += (at + 1, at + 2)
        at += 3
    for _ in trace.imports:
        places.append(at + 1)
        at += 2
    for _ in trace.operations:
        places.append(at + 2)
        at += 3
    return places


def _encode_problem(problem: TraceProblem, numbers: list[int]) -> list[Any]:
    numbers.append(problem.offset)
    return [problem.kind, problem.message]


def _encode_side_file(file: SideFile, numbers: list[int]) -> list[Any]:
    numbers.append(file.offset)
    return [file.name, file.kind]


def _encode_disagreement(item: Disagreement, numbers: list[int]) -> list[Any]:
    numbers.append(item.offset)
    return [item.seen_by, item.kind, _encode_value(item.target)]


def _encode_anomaly(anomaly: Anomaly, numbers: list[int]) -> list[Any]:
    numbers.append(anomaly.offset)
    return [anomaly.code, anomaly.message]


def _encode_imports(imports: tuple[Import, ...], numbers: list[int]) -> list[Any]:
    for item in imports:
        numbers += (item.count, item.offset)
    return [[item.ref.module, item.ref.name] for item in imports]


def _encode_operations(operations: tuple[Operation, ...], numbers: list[int]) -> list[Any]:
    for operation in operations:
        numbers += (operation.count, operation.first, operation.offset)
    return [
        [
            operation.kind,
            _encode_value(operation.target),
            [_encode_value(value) for value in operation.args],
            [[name, _encode_value(value)] for name, value in operation.kwargs],
        ]
        for operation in operations
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


def decode_trace(data: object, numbers: Iterator[int]) -> Trace:
    """Return the trace of the shape ``data``, with its numbers from ``numbers``.

    Raises:
        TraceFormatError: it is not what :func:`encode_trace` makes.
    """
    try:
        return _decode_trace(data, numbers)
    except TraceFormatError:
        raise
    # RuntimeError: the numbers ended inside of a generator
    except (ValueError, TypeError, IndexError, StopIteration, RuntimeError) as error:
        raise TraceFormatError(f"not a trace ({type(error).__name__})") from error


def _decode_trace(data: Any, numbers: Iterator[int]) -> Trace:
    reading, compression, protocol, imports, operations, *tail = as_list(data)
    problems, versions, pickles, fickling, other, side_files, disagreements, anomalies, nested_examined = tail
    other_imports, other_operations = as_list(other)
    decompiled, severity, messages = as_list(fickling)
    total, examined, count = next(numbers), next(numbers), next(numbers)
    return Trace(
        reading=one_of(reading, Reading),
        compression=None if compression is None else as_text(compression),
        protocol=as_int(protocol),
        sections=tuple(_decode_section(numbers) for _ in range(count)),
        imports=each(imports, lambda module, name: _decode_import(module, name, numbers)),
        operations=each(operations, lambda *parts: _decode_operation(*parts, numbers=numbers)),
        problems=each(
            problems,
            lambda k, m: TraceProblem(
                one_word(k, "malformed", "limit", "trailing", "unsupported", "extension"),
                as_text(m),
                next(numbers),
            ),
        ),
        versions=each(versions, lambda library, version: (as_text(library), as_text(version))),
        other_imports=each(other_imports, lambda module, name: _decode_import(module, name, numbers)),
        other_operations=each(other_operations, lambda *parts: _decode_operation(*parts, numbers=numbers)),
        bytes_total=total,
        bytes_examined=examined,
        pickles=as_int(pickles),
        side_files=each(
            side_files,
            lambda name, kind: SideFile(as_str(name), one_word(kind, "npy", "zfile"), next(numbers)),
        ),
        nested_examined=nested_examined is True,
        disagreements=each(disagreements, lambda *parts: _decode_disagreement(*parts, numbers=numbers)),
        anomalies=each(anomalies, lambda c, m: Anomaly(as_text(c), as_text(m), next(numbers))),
        decompiled="\n".join(printable(line, 2_000) for line in as_str(decompiled).splitlines()),
        fickling_severity=as_text(severity),
        fickling_messages=tuple(as_text(message) for message in as_list(messages)),
    )


def _decode_section(numbers: Iterator[int]) -> Section:
    kind, start, end = next(numbers), next(numbers), next(numbers)
    if not 0 <= kind < len(_SECTIONS):
        raise TraceFormatError("a section of no kind")
    return Section(_SECTIONS[kind], start, end)


def _decode_import(module: Any, name: Any, numbers: Iterator[int]) -> Import:
    return Import(GlobalRef(as_str(module), as_str(name)), next(numbers), next(numbers))


def _decode_operation(kind: Any, target: Any, args: Any, kwargs: Any, *, numbers: Iterator[int]) -> Operation:
    return Operation(
        one_of(kind, OperationKind),
        _decode_value(target),
        tuple(_decode_value(value) for value in as_list(args)),
        each(kwargs, lambda name, value: (as_str(name), _decode_value(value))),
        next(numbers),
        next(numbers),
        next(numbers),
    )


def _decode_disagreement(seen_by: Any, kind: Any, target: Any, *, numbers: Iterator[int]) -> Disagreement:
    decoded = _decode_value(target)
    if not isinstance(decoded, GlobalRef | Result):
        raise TraceFormatError("a target that is neither a global nor a result")
    return Disagreement(
        one_word(seen_by, "unpickler", "walker"),
        one_word(kind, "import", *get_args(OperationKind)),
        decoded,
        next(numbers),
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
        return Result(one_word(kind, "call", "new", "persid", "attribute"), ref)
    if tag == "k":
        kind, items, length = parts
        decoded = tuple(_decode_value(item, depth + 1) for item in as_list(items))
        return Collection(
            one_word(kind, "tuple", "list", "dict", "set", "frozenset"), decoded, as_int(length)
        )
    if tag == "e" and not parts:
        return Elided()
    raise TraceFormatError("a value of an unknown form")
