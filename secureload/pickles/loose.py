"""Which numbers and bytes of a pickle say nothing that a trace keeps: those of states, whatever their value.

A trace keeps of a state that an object is given, and of the raw values of some calls, what types the numbers and
the bytes have (:mod:`secureload.pickles.recorder`); the walk over the opcodes looks at none of them. So two models
of one kind can have the same trace, and :mod:`secureload.pickles.template` tells that they do. Here is found what
may differ then, by one pass over a pickle that both readers have read: every value on the stack is followed, and
what any opcode may come to depend on is *bound*: arguments of calls, keys, what a dtype or an array's wrapper
says, items of what is no plain collection. Only what is never bound is loose.

It knows the opcodes that Python's picklers write for models under protocols 2 to 5, and nothing else: of a pickle
with any other, nothing is loose.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from secureload.pickles.arrays import is_array_wrapper
from secureload.pickles.elsewhere import side_file_kind
from secureload.pickles.names import effective_name
from secureload.pickles.recorder import has_raw_values
from secureload.pickles.trace import GlobalRef, Section
from secureload.values import dataclass

__all__ = ["Loose", "RawArray", "Token", "loose_values"]

_RECONSTRUCTORS: Final = frozenset({("copyreg", "_reconstructor"), ("copyreg", "__newobj__")})
# The opcodes whose argument is a number of so many bytes, and those of bytes and of large numbers (LONG1), whose
# length has so many.
_NUMBERS: Final = {0x4B: 1, 0x4D: 2, 0x4A: 4, 0x47: 8}
_COUNTED: Final = {0x43: 1, 0x42: 4, 0x8E: 8, 0x96: 8, 0x8A: 1}
_TEXTS: Final = {0x8C: 1, 0x58: 4}
_FLOAT: Final = 0x47
# NONE, NEWTRUE, NEWFALSE
_CONSTANTS: Final = frozenset((0x4E, 0x88, 0x89))


@dataclass(frozen=True, slots=True)
class Token:
    """The argument of an opcode, from ``start`` to ``end``; a length of ``width`` bytes stands at its beginning."""

    code: int
    start: int
    end: int
    width: int


@dataclass(frozen=True, slots=True)
class RawArray:
    """The raw bytes of a joblib array, from ``start`` to ``end``, and the tokens of its shape."""

    start: int
    end: int
    shape: tuple[int, ...]
    aligned: bool


@dataclass(frozen=True, slots=True)
class Loose:
    """What was found in one pickle: ``loose`` are indexes of ``tokens``; ``frames`` are (start, end) behind headers."""

    tokens: tuple[Token, ...]
    loose: frozenset[int]
    arrays: tuple[RawArray, ...]
    frames: tuple[tuple[int, int], ...]


class _Plain:
    """A tuple, list or dict: ``items`` is what it holds, of a dict keys and values in turn."""

    __slots__ = ("bound", "items", "kind")

    def __init__(self, kind: str, items: list[_Value]) -> None:
        self.kind = kind
        self.items = items
        self.bound = False


class _Made:
    """What a call or an instantiation gives: of ``ref``, None where that is not known."""

    __slots__ = ("ref",)

    def __init__(self, ref: GlobalRef | None) -> None:
        self.ref = ref


# A token by its index, a text, a global, or a constant that is no number.
_Value: TypeAlias = "int | bytes | GlobalRef | _Plain | _Made | None"


class _UnknownError(Exception):
    """Something that is not followed."""


def loose_values(data: bytes, sections: Sequence[Section]) -> Loose | None:
    """Return what is loose in ``data``, one whole pickle with these ``sections``; None where that is not known."""
    try:
        return _Pass(data, sections).run()
    except (_UnknownError, IndexError, UnicodeDecodeError, ValueError):
        return None


class _Pass:
    def __init__(self, data: bytes, sections: Sequence[Section]) -> None:
        self._data = data
        # The pickle itself is the first of its sections.
        inner = sorted(sections, key=lambda section: (section.start, -section.end))[1:]
        self._sections = inner[::-1]
        self._stack: list[_Value] = []
        self._below: list[list[_Value]] = []
        self._memo: list[_Value] = []
        self._protocol = 0
        self._tokens: list[Token] = []
        self._bound: set[int] = set()
        self._arrays: list[RawArray] = []
        self._frames: list[tuple[int, int]] = []

    def run(self) -> Loose:
        """Go over all of it."""
        if self._pickle(0) != len(self._data) or self._sections:
            raise _UnknownError
        loose = frozenset(range(len(self._tokens))) - self._bound
        return Loose(tuple(self._tokens), loose, tuple(self._arrays), tuple(self._frames))

    def _pickle(self, position: int) -> int:
        """Go over the pickle at ``position``; return where it ends."""
        data = self._data
        protocol = data[position + 1]
        if data[position] != 0x80 or not 2 <= protocol <= 5:
            raise _UnknownError
        outer = (self._stack, self._below, self._memo, self._protocol)
        self._stack, self._below, self._memo, self._protocol = [], [], [], protocol
        position = self._opcodes(position + 2)
        if self._below or len(self._stack) != 1:
            raise _UnknownError
        self._stack, self._below, self._memo, self._protocol = outer
        return position

    def _opcodes(self, position: int) -> int:
        data, stack, memo = self._data, self._stack, self._memo
        while True:
            code = data[position]
            position += 1
            if code == 0x94:  # MEMOIZE
                memo.append(stack[-1])
            elif code == 0x68:  # BINGET
                stack.append(memo[data[position]])
                position += 1
            elif code in _NUMBERS:
                end = position + _NUMBERS[code]
                stack.append(self._token(code, position, end, 0))
                position = end
            elif code in _TEXTS:
                start, position = self._counted(position, _TEXTS[code])
                stack.append(data[start:position])
            elif code in _CONSTANTS:
                stack.append(None)
            elif code == 0x2E:  # STOP
                return position
            elif code in _COUNTED:
                start, end = self._counted(position, _COUNTED[code])
                stack.append(self._token(code, position, end, start - position))
                position = end
            elif code == 0x95:  # FRAME
                length = int.from_bytes(data[position : position + 8], "little")
                position += 8
                self._frames.append((position, position + length))
            elif code == 0x6A:  # LONG_BINGET
                stack.append(memo[int.from_bytes(data[position : position + 4], "little")])
                position += 4
            elif code == 0x62:  # BUILD
                position = self._build(position)
            elif code in (0x71, 0x72):  # BINPUT, LONG_BINPUT
                width = 1 if code == 0x71 else 4
                if int.from_bytes(data[position : position + width], "little") != len(memo):
                    raise _UnknownError
                memo.append(stack[-1])
                position += width
            elif code == 0x63:  # GLOBAL
                position = self._global(position)
            else:
                self._collect(code)
                stack = self._stack

    def _token(self, code: int, start: int, end: int, width: int) -> int:
        if end > len(self._data):
            raise _UnknownError
        self._tokens.append(Token(code, start, end, width))
        return len(self._tokens) - 1

    def _counted(self, position: int, width: int) -> tuple[int, int]:
        """Return where an argument with its length in front begins, and where it ends."""
        start = position + width
        end = start + int.from_bytes(self._data[position:start], "little")
        if end > len(self._data):
            raise _UnknownError
        return start, end

    def _global(self, position: int) -> int:
        module_end = self._data.index(b"\n", position)
        end = self._data.index(b"\n", module_end + 1)
        module, name = self._data[position:module_end].decode(), self._data[module_end + 1 : end].decode()
        self._stack.append(GlobalRef(*effective_name(module, name, self._protocol)))
        return end + 1

    # -- collections and objects -----------------------------------------------------------------------

    def _collect(self, code: int) -> None:
        stack = self._stack
        if code == 0x28:  # MARK
            self._below.append(stack)
            self._stack = []
        elif 0x85 <= code <= 0x87:  # TUPLE1, TUPLE2, TUPLE3
            items = stack[0x84 - code :]
            if len(items) != code - 0x84:
                raise _UnknownError
            stack[0x84 - code :] = [_Plain("tuple", items)]
        elif code == 0x74:  # TUPLE
            items = self._above_mark()
            self._stack.append(_Plain("tuple", items))
        elif code in (0x29, 0x5D, 0x7D):  # EMPTY_TUPLE, EMPTY_LIST, EMPTY_DICT
            stack.append(_Plain({0x29: "tuple", 0x5D: "list", 0x7D: "dict"}[code], []))
        elif code in (0x65, 0x75):  # APPENDS, SETITEMS
            items = self._above_mark()
            self._fill(items, in_pairs=code == 0x75)
        elif code == 0x61:  # APPEND
            self._fill([stack.pop()], in_pairs=False)
        elif code == 0x73:  # SETITEM
            value, key = stack.pop(), stack.pop()
            self._fill([key, value], in_pairs=True)
        elif code == 0x93:  # STACK_GLOBAL
            name, module = stack.pop(), stack.pop()
            if not isinstance(name, bytes) or not isinstance(module, bytes):
                raise _UnknownError
            stack.append(GlobalRef(module.decode(), name.decode()))
        elif code in (0x52, 0x81):  # REDUCE, NEWOBJ
            self._make(called=code == 0x52)
        else:
            raise _UnknownError

    def _above_mark(self) -> list[_Value]:
        items, self._stack = self._stack, self._below.pop()
        return items

    def _fill(self, items: list[_Value], *, in_pairs: bool) -> None:
        target = self._stack[-1]
        if isinstance(target, _Plain) and target.kind == ("dict" if in_pairs else "list"):
            if in_pairs:
                for key in items[::2]:
                    self._bind(key)
            target.items += items
            if not target.bound:
                return
        elif not isinstance(target, _Made):
            raise _UnknownError
        for item in items:
            self._bind(item)

    def _make(self, *, called: bool) -> None:
        args, target = self._stack.pop(), self._stack.pop()
        if not isinstance(args, _Plain) or args.kind != "tuple":
            raise _UnknownError
        ref = target if isinstance(target, GlobalRef) else None
        if ref is None and not (called and isinstance(target, _Made)):
            raise _UnknownError
        if ref is None or not called or not has_raw_values(ref):
            self._bind(args)
        if ref is not None and called and (ref.module, ref.name) in _RECONSTRUCTORS:
            first = args.items[0]
            ref = first if isinstance(first, GlobalRef) else None
        self._stack.append(_Made(ref))

    def _build(self, position: int) -> int:
        """Follow a BUILD, and what joblib puts behind it; return where the next opcode is."""
        state, target = self._stack.pop(), self._stack[-1]
        if not isinstance(target, _Made) or target.ref is None or side_file_kind(target.ref) is not None:
            raise _UnknownError
        section = self._sections[-1] if self._sections else None
        if section is not None and section.start < position:
            raise _UnknownError
        if is_array_wrapper(target.ref):
            return self._array(state, position, section)
        if target.ref.name == "dtype" or not isinstance(state, _Plain):
            self._bind(state)
        return position

    def _array(self, state: _Value, position: int, section: Section | None) -> int:
        if not isinstance(state, _Plain) or state.kind != "dict":
            raise _UnknownError
        keys = state.items[::2]
        has_one = keys.count(b"shape") == 1
        shape: _Value = None
        aligned = False
        for key, value in zip(keys, state.items[1::2], strict=True):
            if has_one and key == b"shape":
                shape = value
            else:
                self._bind(value)
                aligned = aligned or (key == b"numpy_array_alignment_bytes" and value is not None)
        if not isinstance(shape, _Plain) or shape.kind != "tuple":
            raise _UnknownError
        sizes = [item for item in shape.items if isinstance(item, int)]
        if len(sizes) != len(shape.items):
            raise _UnknownError
        if section is None or section.start != position or section.end <= position:
            raise _UnknownError
        self._sections.pop()
        if section.kind == "pickle":  # of its objects
            self._bind(shape)
            return self._pickle(position)
        self._arrays.append(RawArray(position, section.end, tuple(sizes), aligned))
        return section.end

    def _bind(self, value: _Value) -> None:
        """Note that something depends on ``value``, now and on whatever is put into it later."""
        left = [value]
        while left:
            one = left.pop()
            if isinstance(one, int):
                self._bound.add(one)
            elif isinstance(one, _Plain) and not one.bound:
                one.bound = True
                left += one.items
