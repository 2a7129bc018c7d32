"""What the walker saw, as values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from secureload.pickles.trace import Anomaly, GlobalRef, OperationKind, Result
from secureload.values import dataclass, field

__all__ = ["Seen", "Walk"]


class Seen(NamedTuple):
    """All events of one kind that happen to one target: how many, and the offset of the first one's opcode.

    A tuple, because some dozens are made for every pickle, however small.
    """

    kind: Literal["import"] | OperationKind
    target: GlobalRef | Result
    times: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Every import and operation of one walk, and what is odd in how it is written.

    ``events`` has an entry for each import and operation in order, ``offset << 3 | kind`` with the kind's number
    in :data:`~secureload.pickles.symbols.KINDS`; it may end early. ``slow_bytes`` counts what was walked opcode by
    opcode. ``stopped`` says why the walk ended before
    the stream did, "" if it did not, ``at_limit`` whether an unpickler would go on; ``stopped_at`` is where.
    """

    seen: tuple[Seen, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    events: Sequence[int] = field(default=(), repr=False, compare=False)
    pickles: int = 0
    slow_bytes: int = field(default=0, compare=False)
    stopped: str = ""
    at_limit: bool = False
    stopped_at: int = -1

    @property
    def imports(self) -> tuple[Seen, ...]:
        """The distinct globals, in order of their first import."""
        return tuple(seen for seen in self.seen if seen.kind == "import")

    @property
    def operations(self) -> tuple[Seen, ...]:
        """Everything else."""
        return tuple(seen for seen in self.seen if seen.kind != "import")
