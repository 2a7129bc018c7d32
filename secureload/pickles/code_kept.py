"""Keep the arguments of a code object whole, so that it can be shown; the bulk of other calls is cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from secureload.limits import Limits
from secureload.pickles.code_makers import makes_code
from secureload.pickles.trace import Collection, Const, GlobalRef, Result, Value

__all__ = ["CodeKept"]

# Python 3.7 makes code of 15 arguments, later versions of more.
_FEWEST_ARGUMENTS: Final = 15
_MOST_ARGUMENTS: Final = 24


class CodeKept:
    """What is left of the budget for code; ``short`` summarises whatever is not text, bytes or a tuple."""

    def __init__(self, limits: Limits, short: Callable[[object], Value]) -> None:
        self._limits = limits
        self._short = short
        self._left = limits.trace_codes_bytes

    def values(self, target: GlobalRef | Result | None, args: tuple[object, ...]) -> tuple[Value, ...] | None:
        """Return all of ``args`` if calling ``target`` with them makes a code object and the budget is not used up."""
        if target is None or len(args) > _MOST_ARGUMENTS or self._left <= 0 or not makes_code(target):
            return None
        return tuple(self._kept(arg) for arg in args)

    def count(self, values: tuple[Value, ...]) -> None:
        """Take what ``values`` hold from the budget."""
        for value in values:
            self._left -= 64
            if isinstance(value, Const) and isinstance(value.value, str | bytes):
                self._left -= len(value.value)
            elif isinstance(value, Collection):
                self.count(value.items)

    @staticmethod
    def may_be_code(args: tuple[object, ...]) -> bool:
        """Whether there are as many arguments as a code object has: the question that costs nothing."""
        return len(args) >= _FEWEST_ARGUMENTS

    def _kept(self, value: object) -> Value:
        most = self._limits.trace_code_bytes
        if isinstance(value, bytes | bytearray):
            return Const(bytes(value[:most]), len(value))
        if type(value) is str and len(value) > self._limits.trace_text_chars:
            return Const(value[:most].encode("utf-8", "backslashreplace").decode(), len(value))
        if type(value) is tuple:
            items = tuple(self._short(item) for item in value[: self._limits.trace_code_items])
            return Collection("tuple", items, len(value))
        return self._short(value)
