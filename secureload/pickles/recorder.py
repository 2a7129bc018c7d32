"""Keep each distinct import and each distinct shape of an operation once, with a count.

Two operations have one shape if they do the same to the same kinds of things: strings and names tell them apart,
numbers and bytes do not. The key of a shape is computed from the values as they are, and a summary is made only
for a shape that is new: a forest of a thousand trees costs a thousand keys and one summary.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from secureload.limits import Limits
from secureload.pickles.code_kept import CodeKept
from secureload.pickles.code_makers import loads_tensors
from secureload.pickles.trace import (
    Collection,
    Const,
    Datum,
    Elided,
    GlobalRef,
    Import,
    Operation,
    OperationKind,
    Result,
    Value,
)
from secureload.values import replace

__all__ = ["Recorder", "TraceLimitError", "has_raw_values"]

_MAX_DEPTH = 4
_MAX_ITEMS = 16
_MAX_ARGS = 4 * _MAX_ITEMS
# Longer strings are data (names that a rule decides by are short), so they do not make a shape of their own.
_NAME_CHARS = 64
_MARK_BYTES = 64
_FILLING = frozenset({"append", "setitem", "additem"})
_KINDS: dict[type, str] = {tuple: "tuple", list: "list", dict: "dict", set: "set", frozenset: "frozenset"}
_DATA: Final = frozenset({float, bytes, bytearray})
# What stands for an integer in a key: whether it is 0 matters to some callees, and how many digits it has.
_ZERO, _ONE, _NEGATIVE, _LARGE, _DEEP, _MORE, _OTHER = (object() for _ in range(7))
_MOST_BITS = 63
# Functions and classes whose arguments are raw values, as a state is: of these too only the types are kept.
_VALUES: Final = frozenset(
    {("datetime", name) for name in ("date", "datetime", "time", "timedelta")}
    | {
        (f"numpy.{core}.{module}", name)
        for core in ("core", "_core")
        for module, name in (("multiarray", "scalar"), ("numeric", "_frombuffer"))
    }
)

_Summaries: TypeAlias = tuple[Value, tuple[Value, ...], tuple[tuple[str, Value], ...]]
# The summaries made in this process, by their keys.
_KNOWN: dict[object, _Summaries] = {}
_MOST_KNOWN: Final = 2_000


def has_raw_values(ref: GlobalRef) -> bool:
    """Whether the arguments of ``ref`` are raw values: of the numbers and bytes in them only the types are kept."""
    return (ref.module, ref.name) in _VALUES


class TraceLimitError(Exception):
    """A limit of the tracer was reached; the text begins with the limit's name."""

    def __init__(self, limit: str, allowed: int, seen: int) -> None:
        super().__init__(f"{limit}: {seen:,} where {allowed:,} are allowed")


class Recorder:
    """The memory of one trace.

    ``describe`` tells what a stand-in is, and ``key_of`` what tells it apart from others, in a form that is quick
    to hash; both return None for plain data.
    """

    def __init__(
        self,
        limits: Limits,
        describe: Callable[[object], GlobalRef | Result | None],
        key_of: Callable[[object], object | None],
    ) -> None:
        self._limits = limits
        self._describe = describe
        self._key_of = key_of
        self._imports: dict[GlobalRef, list[int]] = {}
        self._shapes: dict[object, tuple[Operation, list[int]]] = {}
        # What the key that was made last leaves out: parts of something long, numbers and bytes.
        self._cut = self._numbers = False
        self._code = CodeKept(limits, self.summary)
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
        code = None
        if kind == "call" and CodeKept.may_be_code(args):
            code = self._code.values(self._describe(target), args)
        key = self._shape(kind, target, args, kwargs) if code is None else (kind, code)
        if (
            kind == "call"
            and len(args) == 1
            and type(args[0]) is bytes
            and loads_tensors(self._describe(target))
        ):
            # What is loaded is told by how it begins: a tensor does not hide another payload.
            key = (key, args[0][:_MARK_BYTES])
        known = self._shapes.get(key)
        if known is not None:
            known[1][0] += 1
            return
        if len(self._shapes) >= self._limits.trace_shapes:
            raise TraceLimitError("trace_shapes", self._limits.trace_shapes, len(self._shapes) + 1)
        if code is not None:
            self._code.count(code)
            what, values, named = self.summary(target), code, self._named(kwargs, False)
        else:
            what, values, named = self._summaries(key, kind, target, args, kwargs)
        first = Operation(kind, what, values, named, 1, self.count, offset)
        self._shapes[key] = (first, [1])

    def _summaries(
        self,
        key: object,
        kind: OperationKind,
        target: object,
        args: tuple[object, ...],
        kwargs: dict[str, object],
    ) -> _Summaries:
        """Return the target, the arguments and the keywords as they are kept.

        The tracer meets the same shapes in one model after another. Where the key says all that a summary does
        (that of a state, which has no numbers in it, nearly always), the summary is made once.
        """
        known = _KNOWN.get(key)
        if known is not None:
            return known
        what = self.summary(target)
        data = kind == "build" or (isinstance(what, GlobalRef) and has_raw_values(what))
        made = (what, self._values(args, data), self._named(kwargs, data))
        if not self._cut and (data or not self._numbers) and len(_KNOWN) < _MOST_KNOWN:
            _KNOWN[key] = made
        return made

    def _shape(
        self, kind: OperationKind, target: object, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> object:
        self._cut = self._numbers = False
        if kind in _FILLING:
            # Of items only the first is kept: what they hold was recorded when it was made.
            of = self._key(target, False, 0)
            if isinstance(self._describe(target), GlobalRef):
                return (kind, of, self._key(args[0], False, 0))
            self._cut = True
            return (kind, of)
        # A state may be more than data to the class that gets it: scipy's distributions execute a text.
        exact = kind == "build"
        keys = [self._key(value, exact, 0) for value in args[:_MAX_ARGS]]
        if len(args) > _MAX_ARGS or len(kwargs) > _MAX_ITEMS:
            keys.append(_MORE)
        if not kwargs:
            return (kind, self._key(target, False, 0), *keys)
        named = [(name, self._key(value, exact, 0)) for name, value in list(kwargs.items())[:_MAX_ITEMS]]
        return (kind, self._key(target, False, 0), *keys, tuple(named))

    def _key(self, value: object, exact: bool, depth: int) -> object:
        """Return what tells the shape of ``value`` apart; long strings count by their text only if ``exact``."""
        kind: Any = type(value)
        if kind is str:
            return self._text_key(value, exact)  # type: ignore[arg-type]  # a str
        if kind is int:
            return self._integer_key(value, exact)  # type: ignore[arg-type]  # an int
        if kind in _DATA:
            return self._data_key(kind, value, exact)
        if value is None or kind is bool:
            return value
        if kind in _KINDS:
            return self._collection_key(kind, value, exact, depth)
        found = self._key_of(value)
        if found is None:
            self._cut = True
            return _OTHER
        return found

    def _text_key(self, text: str, exact: bool) -> object:
        if exact:
            most = self._limits.trace_text_chars
            return text if len(text) <= most else (text[:most], len(text))
        if len(text) <= _NAME_CHARS:
            return text
        self._cut = True
        return str

    def _integer_key(self, value: int, exact: bool) -> object:
        if not value:
            return _ZERO
        if value == 1 and not exact:
            return _ONE
        self._numbers = True
        if value > 0:
            return int if value.bit_length() <= _MOST_BITS else _LARGE
        return _NEGATIVE

    def _data_key(self, kind: type, value: Any, exact: bool) -> object:
        if not exact:
            if kind is bytes and len(value) <= 1:
                return value
            self._numbers = True
        return kind

    def _collection_key(self, kind: type, value: Any, exact: bool, depth: int) -> object:
        if depth >= _MAX_DEPTH:
            return _DEEP
        items = value.items() if kind is dict else value
        if len(value) > _MAX_ITEMS:
            items = [item for item, _ in zip(items, range(_MAX_ITEMS), strict=False)]
            marked: tuple[object, ...] = (kind, _MORE)
            self._cut = True
        else:
            marked = (kind,)
        inner = depth + 1
        if kind is dict:
            return (*marked, *[(self._key(k, exact, inner), self._key(v, exact, inner)) for k, v in items])
        return (*marked, *[self._key(item, exact, inner) for item in items])

    def _values(self, args: tuple[object, ...], data: bool) -> tuple[Value, ...]:
        values = tuple(self.summary(arg, data=data) for arg in args[:_MAX_ARGS])
        return values if len(values) == len(args) else (*values, Elided())

    def _named(self, kwargs: dict[str, object], data: bool) -> tuple[tuple[str, Value], ...]:
        named = tuple(
            (name, self.summary(value, data=data)) for name, value in list(kwargs.items())[:_MAX_ITEMS]
        )
        return named if len(named) == len(kwargs) else (*named, ("…", Elided()))

    def imports(self) -> tuple[Import, ...]:
        """Return the distinct imports in order of first occurrence."""
        return tuple(Import(ref, count, offset) for ref, (count, offset) in self._imports.items())

    def operations(self) -> tuple[Operation, ...]:
        """Return the distinct operations in order of first occurrence."""
        return tuple(
            first if count[0] == 1 else replace(first, count=count[0])
            for first, count in self._shapes.values()
        )

    def summary(self, value: object, depth: int = 0, *, data: bool = False) -> Value:
        """Return what is kept of ``value``: constants cut to a limit, the first items of collections.

        Where it is ``data`` (a state), of numbers and bytes only the type.
        """
        described = self._describe(value)
        if described is not None:
            return described
        kind = type(value)
        if value is None or kind is bool:
            return Const(value)  # type: ignore[arg-type]  # mypy does not narrow by ``type(x) is``
        if isinstance(value, str):
            # Lone surrogates cannot cross the wire, and no name that we know has one.
            text = value[: self._limits.trace_text_chars].encode("utf-8", "backslashreplace").decode()
            return Const(text, len(value))
        if isinstance(value, int | float | bytes | bytearray):
            return self._number(value, data)
        name = _KINDS.get(kind)
        if name is None or depth >= _MAX_DEPTH:
            return Elided()
        return self._collection(name, value, depth, data)

    def _number(self, value: int | float | bytes | bytearray, data: bool) -> Value:
        if isinstance(value, bytes | bytearray):
            kept = bytes(value[: self._limits.trace_text_chars])
            return Datum("bytes") if data else Const(kept, len(value))
        if isinstance(value, float):
            return Datum("float") if data else Const(value if math.isfinite(value) else repr(value))
        if data:
            return Datum("int")
        return (
            Const(value) if value.bit_length() <= _MOST_BITS else Const("…an integer of many digits", 1 << 30)
        )

    def _collection(self, name: str, value: object, depth: int, data: bool) -> Collection:
        items: list[Value] = []
        source = value.items() if isinstance(value, dict) else value
        for item in source:  # type: ignore[attr-defined]  # one of the five kinds of _KINDS
            if len(items) == _MAX_ITEMS:
                break
            if name == "dict":
                pair = tuple(self.summary(part, depth + 1, data=data) for part in item)
                items.append(Collection("tuple", pair, 2))
            else:
                items.append(self.summary(item, depth + 1, data=data))
        return Collection(name, tuple(items), len(value))  # type: ignore[arg-type]  # as above
