"""What the rules for arguments ask of the values of a trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from secureload.pickles.trace import Collection, Const, Elided, GlobalRef, Value
from secureload.printable import printable

__all__ = ["is_builtin", "is_name", "walk", "why_not_data"]

_BUILTINS: Final = frozenset({"builtins", "__builtin__"})


def walk(value: Value) -> Iterator[Value]:
    """Yield the value and every value inside it."""
    yield value
    if isinstance(value, Collection):
        for item in value.items:
            yield from walk(item)


def why_not_data(values: tuple[Value, ...]) -> str | None:
    """Return None where no global stands among the values and none was elided, else one line about it."""
    for value in values:
        for item in walk(value):
            if isinstance(item, GlobalRef):
                return f"the global {printable(item)} stands where data belongs"
            if isinstance(item, Elided):
                return "an argument is nested too deeply to be known"
    return None


def is_name(value: Value, names: frozenset[str]) -> bool:
    """Whether the value is one of these texts, known as a whole."""
    return (
        isinstance(value, Const)
        and isinstance(value.value, str)
        and value.value in names
        and not value.is_cut
    )


def is_builtin(value: Value, names: frozenset[str]) -> bool:
    """Whether the value is one of these globals of builtins, under either of its names."""
    return isinstance(value, GlobalRef) and value.module in _BUILTINS and value.name in names
