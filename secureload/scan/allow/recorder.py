"""Record which globals a pickle imports, calls and instantiates, without importing any of them.

The evidence of the allow-list is collected with it, from pickles that the collecting process wrote itself.
It is :class:`pickle._Unpickler` (the implementation in Python) with inert stand-ins for every global, so it
knows each opcode; it has no limits and is not meant for foreign bytes, which go through
:mod:`secureload.pickles`.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

from secureload.pickles.names import effective_name
from secureload.pickles.trace import (
    Collection,
    Const,
    Elided,
    GlobalRef,
    Operation,
    OperationKind,
    Result,
    Value,
)

__all__ = ["Recorder", "record"]

_KINDS: tuple[tuple[Any, Literal["tuple", "list", "dict", "set", "frozenset"]], ...] = (
    (tuple, "tuple"),
    (list, "list"),
    (dict, "dict"),
    (set, "set"),
    (frozenset, "frozenset"),
)
_DEPTH = 4
_ITEMS = 16
# The implementation in Python, which every CPython has and joblib subclasses.
_Base: Any = pickle._Unpickler


class _Stand:
    """An inert stand-in for a global or for the result of an operation."""

    def __init__(self, value: GlobalRef | Result) -> None:
        self.value = value

    def append(self, item: object) -> None:
        pass

    def extend(self, items: object) -> None:
        pass

    def add(self, item: object) -> None:
        pass

    def __setitem__(self, key: object, item: object) -> None:
        pass


def _describe(item: object, depth: int = 0) -> Value:
    if isinstance(item, _Stand):
        return item.value
    if item is None or isinstance(item, bool | int | float):
        return Const(item)
    if isinstance(item, str | bytes | bytearray):
        return Const(item if isinstance(item, str) else bytes(item), len(item))
    if depth >= _DEPTH:
        return Elided()
    for kind, name in _KINDS:
        if isinstance(item, kind):
            items: list[object] = list(item.items() if isinstance(item, dict) else item)
            return Collection(
                name, tuple(_describe(entry, depth + 1) for entry in items[:_ITEMS]), len(items)
            )
    return Elided()


class Recorder(_Base):  # type: ignore[misc]  # typeshed has no such class, so the base is Any
    """An unpickler that fills ``imports`` and ``operations`` and whose result is of no use."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.imports: set[GlobalRef] = set()
        self.operations: dict[Operation, None] = {}

    def find_class(self, module: str, name: str) -> _Stand:
        """Return a stand-in and remember its name, that of Python 3."""
        ref = GlobalRef(*effective_name(module, name, self.proto))
        self.imports.add(ref)
        return _Stand(ref)

    def operate(self, kind: OperationKind, target: object, args: Any, kwargs: Any = None) -> _Stand:
        """Record one operation and return the stand-in for its result."""
        of = target.value if isinstance(target, _Stand) else None
        described = tuple(_describe(arg) for arg in args)
        named = tuple((str(key), _describe(value)) for key, value in (kwargs or {}).items())
        self.operations[Operation(kind, of or Elided(), described, named)] = None
        match of, described:
            case GlobalRef("builtins", "getattr"), (GlobalRef(module, owner), Const(str(name))):
                return _Stand(Result("attribute", GlobalRef(module, f"{owner}.{name}")))
        made: Any = "new" if kind == "new" else "call"
        return _Stand(Result(made, of if isinstance(of, GlobalRef) else None))

    def persistent_load(self, pid: object) -> _Stand:
        """Return a stand-in for what the file's own loader would find under this id."""
        self.operations[Operation("persid", Const(None), (_describe(pid),))] = None
        return _Stand(Result("persid", None))

    dispatch: dict[int, Callable[[Any], None]] = dict(_Base.dispatch)  # noqa: RUF012  # ClassVar would hide the base's

    def load_reduce(self) -> None:
        """REDUCE: callable, arguments."""
        args = self.stack.pop()
        self.stack[-1] = self.operate("call", self.stack[-1], args)

    def load_newobj(self) -> None:
        """NEWOBJ: class, arguments."""
        args = self.stack.pop()
        self.stack[-1] = self.operate("new", self.stack[-1], args)

    def load_newobj_ex(self) -> None:
        """NEWOBJ_EX: class, arguments, keyword arguments."""
        kwargs = self.stack.pop()
        args = self.stack.pop()
        self.stack[-1] = self.operate("new", self.stack[-1], args, kwargs)

    def load_obj(self) -> None:
        """OBJ: class and arguments above the mark."""
        target, *args = self.pop_mark()
        self.append(self.operate("call", target, args))

    def load_inst(self) -> None:
        """INST: class named in the opcode, arguments above the mark."""
        module = self.readline()[:-1].decode("ascii")
        name = self.readline()[:-1].decode("ascii")
        args = self.pop_mark()
        self.append(self.operate("call", self.find_class(module, name), args))

    def load_build(self) -> None:
        """BUILD: the state is dropped."""
        self.stack.pop()

    dispatch[pickle.REDUCE[0]] = load_reduce
    dispatch[pickle.NEWOBJ[0]] = load_newobj
    dispatch[pickle.NEWOBJ_EX[0]] = load_newobj_ex
    dispatch[pickle.OBJ[0]] = load_obj
    dispatch[pickle.INST[0]] = load_inst
    dispatch[pickle.BUILD[0]] = load_build


def record(data: bytes) -> Recorder:
    """Return the recorder after it has read ``data``, a whole pickle."""
    recorder = Recorder(io.BytesIO(data))
    with suppress(EOFError):
        recorder.load()
    return recorder
