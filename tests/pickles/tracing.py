"""Trace bytes in this process. For payloads that make the C unpickler allocate, use the confined tracer."""

from __future__ import annotations

import os

from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.source import MappedSource
from secureload.pickles.trace import Collection, Const, GlobalRef, Operation, Result, Trace
from secureload.pickles.vm import trace_stream

OS_SYSTEM = GlobalRef("os", "system")


def mapped(data: bytes) -> MappedSource:
    descriptor = os.memfd_create("payload")
    try:
        os.write(descriptor, data)
        return MappedSource(descriptor, len(data))
    finally:
        os.close(descriptor)


def trace(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Trace:
    source = mapped(data)
    try:
        return trace_stream(source, limits=limits, bytes_total=len(data))
    finally:
        source.close()


def refs(found: Trace) -> list[str]:
    return [str(item.ref) for item in found.imports]


def of_kind(found: Trace, kind: str) -> list[Operation]:
    return [operation for operation in found.operations if operation.kind == kind]


def text(value: str) -> Const:
    return Const(value, len(value))


def result_of(module: str, name: str, kind: str = "call") -> Result:
    return Result(kind, GlobalRef(module, name))  # type: ignore[arg-type]


def tuple_of(*items: object) -> Collection:
    return Collection("tuple", items, len(items))  # type: ignore[arg-type]
