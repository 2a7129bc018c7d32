"""What a payload would do, as values: the trace.

A :class:`Trace` is made by the inert VM (:mod:`secureload.pickles.vm`) and holds each distinct import and
each distinct operation once, with a count: the hundred trees of a forest are one shape. Arguments are
summarised; bulk data is never kept.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from secureload.values import dataclass, field

__all__ = [
    "TOO_SLOW",
    "Anomaly",
    "Collection",
    "Const",
    "Datum",
    "Disagreement",
    "Elided",
    "GlobalRef",
    "Import",
    "Nested",
    "Operation",
    "OperationKind",
    "Reading",
    "Result",
    "Section",
    "SideFile",
    "Trace",
    "TraceProblem",
    "Value",
]

TOO_SLOW = (
    "unpickler_cpu_seconds: the unpickler takes longer than so few opcodes do: for keys that have one hash"
    " (quadratic hashing), or one that is shared in itself again and again (exponential hashing)"
)

# Which loader the trace holds for. joblib skips raw array bytes that pickle would read as opcodes; torch
# resolves persistent ids; skops and Keras unpickle nothing and import what their files name.
Reading: TypeAlias = Literal["pickle", "joblib", "torch", "numpy", "skops", "keras"]

# "call": REDUCE, OBJ or INST; "new": NEWOBJ, NEWOBJ_EX; the others as the opcodes are named in pickletools.
OperationKind: TypeAlias = Literal["call", "new", "build", "append", "setitem", "additem", "persid"]


@dataclass(frozen=True, slots=True)
class GlobalRef:
    """A global by the exact pair that the payload asks ``find_class`` for."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}:{self.name}"


@dataclass(frozen=True, slots=True)
class Const:
    """A constant. ``value`` is cut to a limit for str and bytes; ``length`` is the whole length, -1 for numbers."""

    value: bool | int | float | str | bytes | None
    length: int = -1

    @property
    def is_cut(self) -> bool:
        """Whether ``value`` holds only the beginning of the constant."""
        return isinstance(self.value, str | bytes) and len(self.value) != self.length


@dataclass(frozen=True, slots=True)
class Result:
    """The result of an operation: of calling or instantiating ``of`` (None where that was computed itself).

    "attribute" is what ``getattr`` of a global returns, for a name that is known; ``of`` is that attribute by its
    dotted name, the one that protocol 4 would ask ``find_class`` for.
    """

    kind: Literal["call", "new", "persid", "attribute"]
    of: GlobalRef | None


@dataclass(frozen=True, slots=True)
class Collection:
    """A tuple, list, dict, set or frozenset; of a dict the items are (key, value) tuples.

    ``items`` holds the first few; ``length`` counts all of them.
    """

    kind: Literal["tuple", "list", "dict", "set", "frozenset"]
    items: tuple[Value, ...]
    length: int


@dataclass(frozen=True, slots=True)
class Datum:
    """A number or bytes in a state, of which only the type is kept: the models of one kind are one shape."""

    kind: Literal["int", "float", "bytes"]


@dataclass(frozen=True, slots=True)
class Elided:
    """A value nested deeper than a summary goes."""


Value: TypeAlias = Const | Datum | GlobalRef | Result | Collection | Elided


@dataclass(frozen=True, slots=True)
class Import:
    """One distinct global, how often ``find_class`` was asked for it, and where first (byte offset, or -1)."""

    ref: GlobalRef
    count: int = 1
    offset: int = -1


@dataclass(frozen=True, slots=True)
class Operation:
    """One distinct shape of an operation.

    ``target`` is what is called, instantiated, built or filled. For "build" ``args`` is ``(state,)``.
    ``first`` is the ordinal of its first occurrence among all operations, ``offset`` the byte offset in the
    (expanded) stream up to which the reader had come, -1 where that is not known.
    """

    kind: OperationKind
    target: Value
    args: tuple[Value, ...] = ()
    kwargs: tuple[tuple[str, Value], ...] = ()
    count: int = 1
    first: int = 0
    offset: int = -1


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the stream: a pickle, the raw bytes of an array, or what could not be read."""

    kind: Literal["pickle", "array", "trailing"]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SideFile:
    """A file beside this one that its loader opens for an array, by the name that stands in the payload.

    "npy" goes to ``numpy.load``, which unpickles it where it is a pickle; "zfile" is expanded to raw bytes.
    ``examined`` says that a file of this name was found and examined with this one.
    """

    name: str
    kind: Literal["npy", "zfile"]
    offset: int = -1
    examined: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it is the name of a file in the same folder, as joblib writes it, and nothing else."""
        odd = any(char in "/\\:\0" for char in self.name) or not self.name.isprintable()
        return not odd and 0 < len(self.name) < 256 and self.name not in (".", "..")


@dataclass(frozen=True, slots=True)
class Nested:
    """Bytes among the arguments that are loaded as a file of their own: a tensor that plain pickle saved.

    They stand at ``offset`` in the stream, or are kept as ``data`` where it is not known (-1).
    """

    size: int
    offset: int = -1
    data: bytes = b""

    @property
    def is_known(self) -> bool:
        """Whether the bytes can be had."""
        return self.offset >= 0 or len(self.data) == self.size > 0


@dataclass(frozen=True, slots=True)
class TraceProblem:
    """Why a part of the stream was not examined.

    "extension" is an EXT opcode, which stands for a global by a number that only the loading process knows.
    """

    kind: Literal["malformed", "limit", "trailing", "unsupported", "extension"]
    message: str
    offset: int = -1


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something odd in how the opcodes are written; ``code`` ("frame.crossed") is what the rules go by."""

    code: str
    message: str
    offset: int = -1


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An import or operation that one reader sees and the other does not, or sees more often.

    "unpickler" is CPython's own, run inert; "walker" the second reader of the same bytes. ``target`` is what is
    imported, called, built or filled, ``offset`` that of the opcode, -1 where it is not known.
    """

    seen_by: Literal["unpickler", "walker"]
    kind: Literal["import"] | OperationKind
    target: GlobalRef | Result
    offset: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Everything that one member's payload would import, call and build, and what could not be read of it."""

    reading: Reading
    compression: str | None = None
    protocol: int = -1
    imports: tuple[Import, ...] = ()
    operations: tuple[Operation, ...] = ()
    sections: tuple[Section, ...] = ()
    problems: tuple[TraceProblem, ...] = ()
    # (library, version) pairs that the payload says it was saved under, such as ("scikit-learn", "1.5.2").
    versions: tuple[tuple[str, str], ...] = ()
    bytes_total: int = 0
    bytes_examined: int = 0
    pickles: int = 0
    side_files: tuple[SideFile, ...] = ()
    # The tensors in it, for whoever surveys; whether they were all examined, as parts of their own.
    nested: tuple[Nested, ...] = field(default=(), repr=False, compare=False)
    nested_examined: bool = False
    # What another loader would do besides: pickle.load, where the reading is joblib's.
    other_imports: tuple[Import, ...] = ()
    other_operations: tuple[Operation, ...] = ()
    # Where the two readers differ on what is imported, called or filled; and what is odd in the encoding.
    disagreements: tuple[Disagreement, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    decompiled: str = field(default="")
    fickling_severity: str = field(default="")
    fickling_messages: tuple[str, ...] = ()
