"""Keep each distinct import and each distinct shape of an operation once, with a count."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from secureload.limits import Limits
from secureload.pickles.trace import (
    Collection,
    Const,
    Elided,
    GlobalRef,
    Import,
    Operation,
    OperationKind,
    Result,
    Value,
)

__all__ = ["Recorder", "TraceLimitError"]

_MAX_DEPTH = 4
_MAX_ITEMS = 16
# Longer strings are data (names that a rule decides by are short), so they do not make a shape of their own.
_NAME_CHARS = 64
_FILLING = frozenset({"append", "setitem", "additem"})
_KINDS: dict[type, str] = {tuple: "tuple", list: "list", dict: "dict", set: "set", frozenset: "frozenset"}


class TraceLimitError(Exception):
    """A limit of the tracer was reached; the text begins with the limit's name."""

    def __init__(self, limit: str, allowed: int, seen: int) -> None:
        super().__init__(f"{limit}: {seen:,} where {allowed:,} are allowed")


class Recorder:
    """The memory of one trace. ``describe`` tells what a stand-in is, and returns None for plain data."""

    def __init__(self, limits: Limits, describe: Callable[[object], GlobalRef | Result | None]) -> None:
        self._limits = limits
        self._describe = describe
        self._imports: dict[GlobalRef, list[int]] = {}
        self._shapes: dict[object, tuple[Operation, list[int]]] = {}
        self.count = 0

    def imported(self, ref: GlobalRef, offset: int) -> None:
        """Record that ``find_class`` was asked for ``ref``."""
        known = self._imports.get(ref)
        self.count += 1
        if known is not None:
            known[0] += 1
            return
        if len(self._imports) >= self._limits.trace_globals:
            raise TraceLimitError("trace_globals", self._limits.trace_globals, len(self._imports) + 1)
        self._imports[ref] = [1, offset]

    def operation(
        self,
        kind: OperationKind,
        target: object,
        args: tuple[object, ...],
        kwargs: dict[str, object],
        offset: int,
    ) -> None:
        """Record one operation under its shape."""
        self.count += 1
        shown = self.summary(target)
        if kind in _FILLING and not isinstance(shown, GlobalRef):
            # Of items only the first is kept: what they hold was recorded when it was made.
            key: object = (kind, shown)
            values: tuple[Value, ...] = ()
            named: tuple[tuple[str, Value], ...] = ()
        else:
            values = self._values(args)
            named = self._named(kwargs)
            # A state may be more than data to the class that gets it: scipy's distributions execute a text.
            exact = kind == "build"
            key = (
                kind,
                shown,
                tuple(_shape(value, exact) for value in values),
                tuple((name, _shape(value, exact)) for name, value in named),
            )
        known = self._shapes.get(key)
        if known is not None:
            known[1][0] += 1
            return
        if len(self._shapes) >= self._limits.trace_shapes:
            raise TraceLimitError("trace_shapes", self._limits.trace_shapes, len(self._shapes) + 1)
        values = values or self._values(args)
        first = Operation(kind, shown, values, named, 1, self.count, offset)
        self._shapes[key] = (first, [1])

    def _values(self, args: tuple[object, ...]) -> tuple[Value, ...]:
        values = tuple(self.summary(arg) for arg in args[: 4 * _MAX_ITEMS])
        return values if len(values) == len(args) else (*values, Elided())

    def _named(self, kwargs: dict[str, object]) -> tuple[tuple[str, Value], ...]:
        named = tuple((name, self.summary(value)) for name, value in list(kwargs.items())[:_MAX_ITEMS])
        return named if len(named) == len(kwargs) else (*named, ("…", Elided()))

    def imports(self) -> tuple[Import, ...]:
        """Return the distinct imports in order of first occurrence."""
        return tuple(Import(ref, count, offset) for ref, (count, offset) in self._imports.items())

    def operations(self) -> tuple[Operation, ...]:
        """Return the distinct operations in order of first occurrence."""
        return tuple(replace(first, count=count[0]) for first, count in self._shapes.values())

    def summary(self, value: object, depth: int = 0) -> Value:
        """Return what is kept of ``value``: constants cut to a limit, the first items of collections."""
        described = self._describe(value)
        if described is not None:
            return described
        kind = type(value)
        if value is None or kind is bool:
            return Const(value)  # type: ignore[arg-type]  # mypy does not narrow by ``type(x) is``
        if isinstance(value, int):
            return Const(value) if value.bit_length() <= 63 else Const("…an integer of many digits", 1 << 30)
        if isinstance(value, float):
            return Const(value if math.isfinite(value) else repr(value))
        if isinstance(value, str):
            # Lone surrogates cannot cross the wire, and no name that we know has one.
            text = value[: self._limits.trace_text_chars].encode("utf-8", "backslashreplace").decode()
            return Const(text, len(value))
        if isinstance(value, bytes | bytearray):
            return Const(bytes(value[: self._limits.trace_text_chars]), len(value))
        name = _KINDS.get(kind)
        if name is None or depth >= _MAX_DEPTH:
            return Elided()
        return self._collection(name, value, depth)

    def _collection(self, name: str, value: object, depth: int) -> Collection:
        items: list[Value] = []
        source = value.items() if isinstance(value, dict) else value
        for item in source:  # type: ignore[attr-defined]  # one of the five kinds of _KINDS
            if len(items) == _MAX_ITEMS:
                break
            if name == "dict":
                pair = (self.summary(item[0], depth + 1), self.summary(item[1], depth + 1))
                items.append(Collection("tuple", pair, 2))
            else:
                items.append(self.summary(item, depth + 1))
        return Collection(name, tuple(items), len(value))  # type: ignore[arg-type]  # as above


def _shape(value: Value, exact: bool) -> object:
    """Return the part of a summary that tells two shapes apart: strings and names yes, numbers and bytes no.

    Long strings count by their text only if ``exact``.
    """
    if isinstance(value, Const):
        if isinstance(value.value, str) and (exact or value.length <= _NAME_CHARS):
            return value
        return type(value.value)
    if isinstance(value, Collection):
        whole = value.length == len(value.items)
        return (value.kind, whole, tuple(_shape(item, exact) for item in value.items))
    return value
