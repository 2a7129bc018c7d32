"""What stands on the walker's stack and in its memo instead of objects: small tags, texts, and targets.

A :data:`Value` is a number that tells what kind of plain data it is, ``bytes`` for a text in UTF-8, ``str``
for a text from one of the opcodes of protocol 0 and 1, a :class:`Span` for texts that are read only if they
turn out to be a name, or a :class:`Target` for a global and for what was made by one.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from secureload.pickles.code_makers import makes_classes
from secureload.pickles.trace import GlobalRef, OperationKind, Result

__all__ = [
    "BUFFER",
    "BYTEARRAY",
    "BYTES",
    "DICT",
    "FROZENSET",
    "KINDS",
    "LIST",
    "NONE",
    "PUSHED",
    "SCALAR",
    "SET",
    "SIZES",
    "TEXT",
    "TUPLE",
    "Run",
    "Span",
    "Target",
    "Value",
    "WalkLimit",
    "WalkStop",
]

# A text whose content is not kept stands as TEXT; a buffer from outside of the pickle as BUFFER.
SCALAR, NONE, TUPLE, LIST, DICT, SET, FROZENSET, BYTES, BYTEARRAY, TEXT, BUFFER = range(11)

# The kinds of events by their number: those of an Operation, and an import.
KINDS: Final[tuple[Literal["import"] | OperationKind, ...]] = (
    "import",
    "call",
    "new",
    "build",
    "append",
    "setitem",
    "additem",
    "persid",
)

_PUSHING = {
    "N": (1, NONE), "\x88": (1, SCALAR), "\x89": (1, SCALAR), ")": (1, TUPLE), "]": (1, LIST), "}": (1, DICT),
    "\x8f": (1, SET), "K": (2, SCALAR), "M": (3, SCALAR), "J": (5, SCALAR), "G": (9, SCALAR),
}  # fmt: skip
# Of the opcodes that only push a value and have a size of their own: that size (0 for all others), the value.
SIZES: Final = bytes(_PUSHING.get(chr(code), (0, 0))[0] for code in range(256))
PUSHED: Final = bytes(_PUSHING.get(chr(code), (0, 0))[1] for code in range(256))


class WalkStop(Exception):  # noqa: N818  # the walk stops; that need not be an error
    """An unpickler goes no further than this; the text says why."""


class WalkLimit(WalkStop):
    """A limit of the walk was reached: an unpickler goes on, we do not."""


class Target:
    """A global, or what calling or instantiating one gives, and its events.

    ``kind`` is "" for the global ``of`` itself, else that of the :class:`Result`. ``counts`` and ``firsts`` tell
    for each kind of event how often it happened, and where first.
    """

    __slots__ = ("called", "counts", "firsts", "is_class", "kind", "made", "of")

    def __init__(self, kind: Literal["", "call", "new", "persid"], of: GlobalRef | None) -> None:
        self.kind = kind
        self.of = of
        # Whether it stands for a class: without arguments, INST and OBJ do not call one.
        self.is_class = not kind or makes_classes(of)
        self.counts = [0] * len(KINDS)
        self.firsts = [-1] * len(KINDS)
        # What stands for the results, made when there is one.
        self.called: Target | None = None
        self.made: Target | None = None

    @property
    def value(self) -> GlobalRef | Result:
        """The value that it has in a trace."""
        if self.of is not None and not self.kind:
            return self.of
        return Result(self.kind or "call", self.of)


class Span:
    """Bytes of the stream from ``start`` to ``end``: here, the text of a long string.

    ``data`` is there while the bytes could not be read again.
    """

    __slots__ = ("data", "end", "start")

    def __init__(self, start: int, end: int, data: bytes | None) -> None:
        self.start = start
        self.end = end
        self.data = data


class Run(Span):
    """A run of opcodes that only push plain data, not looked at one by one.

    ``first`` is the memo's next index before it. ``values`` is what it pushes and ``memo`` what it stores, once
    somebody asked for it.
    """

    __slots__ = ("first", "memo", "values")

    def __init__(self, start: int, end: int, data: bytes | None, first: int) -> None:
        super().__init__(start, end, data)
        self.first = first
        self.values: list[Value] | None = None
        self.memo: list[Value] = []


Value: TypeAlias = "int | bytes | str | Span | Target"
