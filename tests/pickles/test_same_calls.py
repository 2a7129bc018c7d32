"""The inert VM against ``pickle.Unpickler`` over classes of its own that do nothing: both call the same."""

from __future__ import annotations

import io
import pickle
from collections import Counter
from typing import Any

from hypothesis import given, settings

from secureload.pickles.names import effective_name, first_protocol
from secureload.pickles.trace import GlobalRef, Result, Trace

from .programs import programs
from .tracing import trace


class _Log(list[tuple[str, object]]):
    """What was done to what."""


class _Thing:
    """What a class here gives; it notes what is done with it."""

    def __init__(self, log: _Log, name: Result) -> None:
        self._log, self._name = log, name

    def __call__(self, *_args: object, **_named: object) -> _Thing:
        self._log.append(("call", self._name))
        return _Thing(self._log, Result("call", None))

    def __setstate__(self, _state: object) -> None:
        self._log.append(("build", self._name))

    def extend(self, _items: object) -> None:
        self._log.append(("append", self._name))

    def add(self, _item: object) -> None:
        self._log.append(("additem", self._name))

    def __setitem__(self, _key: object, _value: object) -> None:
        self._log.append(("setitem", self._name))


def _class(log: _Log, ref: GlobalRef) -> type:
    """A real class for a global: calling it, its ``__new__`` and what fills it are noted."""

    def noted(kind: str) -> Any:
        return lambda _cls, *_args, **_named: log.append((kind, ref))

    def called(_cls: type, *_args: object, **_named: object) -> _Thing:
        log.append(("call", ref))
        return _Thing(log, Result("call", ref))

    def new(_cls: type, *_args: object, **_named: object) -> _Thing:
        log.append(("new", ref))
        return _Thing(log, Result("new", ref))

    meta = type(
        "Meta",
        (type,),
        {"__call__": called, "__setstate__": noted("build"), "extend": noted("append"), "add": noted("additem"),
         "__setitem__": noted("setitem")},
    )  # fmt: skip
    made: type = meta("Harmless", (), {"__new__": new})
    return made


class _Reader(pickle.Unpickler):
    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self._protocol = first_protocol(data[:2])
        self._classes: dict[GlobalRef, type] = {}
        self.log = _Log()

    def find_class(self, module: str, name: str, /) -> Any:
        ref = GlobalRef(*effective_name(module, name, self._protocol))
        self.log.append(("import", ref))
        return self._classes.setdefault(ref, _class(self.log, ref))

    def persistent_load(self, pid: Any) -> Any:
        self.log.append(("persid", Result("persid", None)))
        return _Thing(self.log, Result("persid", None))


def traced(found: Trace) -> Counter[tuple[str, object]]:
    counts: Counter[tuple[str, object]] = Counter(
        {("import", item.ref): item.count for item in found.imports}
    )
    for operation in found.operations:
        target = Result("persid", None) if operation.kind == "persid" else operation.target
        counts[operation.kind, target] += operation.count
    return counts


@settings(max_examples=400, deadline=None)
@given(programs())
def test_what_the_vm_records_is_what_the_unpickler_does(data: bytes) -> None:
    reader = _Reader(data)
    try:
        reader.load()
    except Exception:
        ended = False
    else:
        ended = True
    found = trace(data)
    assert traced(found) == Counter(reader.log)
    assert any(problem.kind == "malformed" for problem in found.problems) == (not ended)
