"""Re-emit a trace as a small canonical pickle: each import and call shape once, none of the bulk.

fickling walks opcodes in Python and cannot read joblib files nor protocol-5 arrays; of the distilled pickle it
can say in milliseconds what the payload does.
"""

from __future__ import annotations

from secureload.pickles.assembler import Assembler
from secureload.pickles.trace import (
    Collection,
    Const,
    Datum,
    Elided,
    GlobalRef,
    Operation,
    Result,
    Trace,
    Value,
)

__all__ = ["distill"]

_SHOWN_CHARS = 256
_MAX_OPERATIONS = 2_000


class _Distiller:
    def __init__(self) -> None:
        self._code = Assembler(4)
        self._memo: dict[Result | GlobalRef, int] = {}

    def run(self, trace: Trace) -> bytes:
        self._code.mark()
        for operation in trace.operations[:_MAX_OPERATIONS]:
            self._operation(operation)
        for item in trace.imports[:_MAX_OPERATIONS]:
            if item.ref not in self._memo:
                self._global(item.ref)
        self._code.tuple_()
        return self._code.stop()

    def _operation(self, operation: Operation) -> None:
        if operation.kind in {"call", "new"}:
            # fickling knows no keyword arguments of NEWOBJ_EX; they are shown behind the positional ones.
            self._value(operation.target)
            self._tuple((*operation.args, *(value for _, value in operation.kwargs)))
            if operation.kind == "call":
                self._code.reduce()
            else:
                self._code.newobj()
            self._remember(_result(operation))
        elif operation.kind == "build":
            self._value(operation.target)
            self._value(operation.args[0])
            self._code.build()

    def _remember(self, key: Result | GlobalRef) -> None:
        if key not in self._memo:
            self._memo[key] = len(self._memo)
            self._code.put(self._memo[key])

    def _global(self, ref: GlobalRef) -> None:
        index = self._memo.get(ref)
        if index is not None:
            self._code.get(index)
            return
        if "\n" in ref.module or "\n" in ref.name:
            self._code.stack_global(ref.module, ref.name)
        else:
            self._code.global_(ref.module, ref.name)
        self._remember(ref)

    def _tuple(self, values: tuple[Value, ...]) -> None:
        self._code.mark()
        for value in values:
            self._value(value)
        self._code.tuple_()

    def _value(self, value: Value) -> None:
        if isinstance(value, Const):
            self._constant(value)
        elif isinstance(value, GlobalRef):
            self._global(value)
        elif isinstance(value, Result):
            index = self._memo.get(value)
            if index is None:
                self._code.none()
            else:
                self._code.get(index)
        elif isinstance(value, Elided | Datum):
            self._code.text("…")
        else:
            self._collection(value)

    def _collection(self, value: Collection) -> None:
        self._code.mark()
        for item in value.items:
            if value.kind == "dict" and isinstance(item, Collection):
                for part in item.items:
                    self._value(part)
            else:
                self._value(item)
        if value.kind == "tuple":
            self._code.tuple_()
        elif value.kind == "dict":
            self._code.dict_()
        else:
            self._code.list_()

    def _constant(self, value: Const) -> None:
        constant = value.value
        if constant is None:
            self._code.none()
        elif isinstance(constant, bool):
            self._code.boolean(constant)
        elif isinstance(constant, int):
            self._code.integer(constant)
        elif isinstance(constant, float):
            self._code.floating(constant)
        elif isinstance(constant, str):
            self._code.text(constant[:_SHOWN_CHARS])
        elif constant.isascii() or len(constant) <= 1:
            self._code.binary(constant[:_SHOWN_CHARS])
        else:
            self._code.text("…")  # the bytes of a number: no program that a callee could run


def _result(operation: Operation) -> Result:
    """Return what the trace calls the result of this call."""
    of = operation.target if isinstance(operation.target, GlobalRef) else None
    match operation.args:
        case (GlobalRef(module, owner), Const(str(name))) if of == GlobalRef("builtins", "getattr"):
            return Result("attribute", GlobalRef(module, f"{owner}.{name}"))
    return Result("new" if operation.kind == "new" else "call", of)


def distill(trace: Trace) -> bytes:
    """Return a protocol-4 pickle with the imports and operations of ``trace``, each once, in their order.

    It is meant to be read, never to be loaded: the tuple that it builds stands for nothing.
    """
    return _Distiller().run(trace)
