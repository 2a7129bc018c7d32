"""What the walker saw, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from secureload.pickles.trace import Anomaly, GlobalRef, OperationKind, Result

__all__ = ["SeenImport", "SeenOperation", "Walk"]


@dataclass(frozen=True, slots=True)
class SeenImport:
    """One distinct global: how often it is imported, and the offset of the first opcode that does."""

    ref: GlobalRef
    count: int
    offset: int


@dataclass(frozen=True, slots=True)
class SeenOperation:
    """All operations of one kind on one target: how many, and the offset of the first one's opcode."""

    kind: OperationKind
    target: GlobalRef | Result
    count: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Every import and operation of one walk, and what is odd in how it is written.

    ``events`` has an entry for each import and operation in order, ``offset << 3 | kind`` with the kind's number
    in :data:`~secureload.pickles.symbols.KINDS`; it may end early. ``stopped`` says why the walk ended before
    the stream did, "" if it did not; ``stopped_at`` is where.
    """

    imports: tuple[SeenImport, ...] = ()
    operations: tuple[SeenOperation, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    events: Sequence[int] = field(default=(), repr=False, compare=False)
    pickles: int = 0
    stopped: str = ""
    stopped_at: int = -1
