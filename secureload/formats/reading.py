"""What a reader of a format is given, and what it yields: the one interface of every file in ``readers``.

A reader is a module of :mod:`secureload.formats.readers` with one function::

    def read(data: Region, context: ReadContext) -> Iterator[Event]

It walks the structure of its format and yields, in any order, what it finds: members to be examined in turn
(:class:`Child`), what stands out (:class:`Observation`), names that the format's loader would import
(:class:`Reference`), what it could not read (:class:`Problem`). It judges nothing: the rules do. It may raise
:class:`~secureload.errors.MalformedError`, :class:`~secureload.errors.LimitError` or
:class:`~secureload.errors.UnsupportedError`: that becomes a problem, and what was yielded before counts.

Every byte is accounted for: what a reader neither understands nor hands on as a child, it reports.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from secureload.errors import LimitError
from secureload.formats.region import ByteStream, Region
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.values import dataclass, field

__all__ = [
    "Budget",
    "Child",
    "Event",
    "Identified",
    "Observation",
    "Opener",
    "Problem",
    "ProblemKind",
    "ReadContext",
    "Reference",
    "Versions",
]

# Opens a stream from its beginning, as often as it is called: a member is read by several readers.
Opener: TypeAlias = Callable[[], ByteStream]

ProblemKind: TypeAlias = Literal["malformed", "limit", "trailing", "unsupported"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A member: bytes inside the artifact that are examined in turn.

    ``data`` is a region of the parent's bytes (nothing is copied) or opens a stream that expands them. ``expect``
    says what the format's own loader takes it for: "any" is looked at for what it is; "pickle" is unpickled
    by that loader, whatever its bytes look like; "data" is raw data to it (weights, text), so that it counts
    as examined unless it does something when it is taken for a pickle. ``reading`` names the loader where the
    member is a pickle ("torch", "numpy" …), "" for the general one.
    """

    name: str
    data: Region | Opener
    expect: Literal["any", "pickle", "data"] = "any"
    reading: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Something that stands out. ``code`` ("zip.names-differ") is what rules go by, and each has one rule.

    ``message`` is a line about this case, ``detail`` shows the evidence (code, a path), ``offset`` is in bytes
    of the member. Texts may hold whatever the artifact holds: they are made printable where they cross over.
    """

    code: str
    message: str
    detail: str = ""
    offset: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A global that the format's loader would import by name, and what it would do with it.

    "import" looks it up, "new" makes an instance without calling anything of it, "call" calls it. The same
    allow-list judges it that judges the globals of a pickle.
    """

    module: str
    name: str
    use: Literal["import", "new", "call"] = "import"
    offset: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What could not be examined, and why: never a pass."""

    kind: ProblemKind
    message: str
    offset: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """A closer word for what this is: a zip archive turns out to be "a PyTorch model".

    ``format`` is a name in the catalog; ``loader`` says what would load it ("torch.load"), for the report.
    """

    format: str
    loader: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The version of a library that the artifact says it was saved with."""

    library: str
    version: str


Event: TypeAlias = Child | Observation | Reference | Problem | Identified | Versions


class Budget:
    """What all members of one artifact together may expand to; ``size`` is its own in bytes, where it is known."""

    __slots__ = ("_limits", "_most", "expanded", "members")

    def __init__(self, limits: Limits, size: int | None = None) -> None:
        self._limits = limits
        # Archives in archives multiply their ratios: what counts is the artifact that somebody has to send.
        ratio = limits.expanded_bytes if size is None else limits.expansion_ratio * size
        self._most = max(limits.expansion_floor_bytes, ratio)
        self.expanded = 0
        self.members = 0

    def expand(self, size: int) -> None:
        """Count ``size`` expanded bytes; raise :class:`LimitError` where they are too many."""
        self.expanded += size
        if self.expanded > self._limits.expanded_bytes:
            raise LimitError(
                f"the members expand to more than {self._limits.expanded_bytes:,} bytes",
                hint="examine it uncompressed, or raise the limit expanded_bytes",
                limit="expanded_bytes",
                allowed=self._limits.expanded_bytes,
                seen=self.expanded,
            )
        if self.expanded > self._most:
            raise LimitError(
                f"expansion_ratio: all members together expand to more than {self._limits.expansion_ratio:,} : 1",
                hint="this is what a decompression bomb looks like; ask the sender for the uncompressed files",
                limit="expansion_ratio",
                allowed=self._limits.expansion_ratio,
                seen=self.expanded,
            )

    def member(self) -> None:
        """Count one member; raise :class:`LimitError` where they are too many."""
        self.members += 1
        if self.members > self._limits.archive_members:
            raise LimitError(
                f"there are more than {self._limits.archive_members:,} members in it",
                hint="unpack it, and check the folder",
                limit="archive_members",
                allowed=self._limits.archive_members,
                seen=self.members,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadContext:
    """What a reader may know besides the bytes: how the member is called, how deep it lies, the limits."""

    name: str = ""
    depth: int = 0
    limits: Limits = DEFAULT_LIMITS
    budget: Budget = field(default_factory=lambda: Budget(DEFAULT_LIMITS))
