"""How many entries the structures of one artifact may have: fields, strings, nodes, whatever stands in rows."""

from __future__ import annotations

from secureload.errors import LimitError
from secureload.limits import Limits

__all__ = ["ItemCount"]


class ItemCount:
    """Counts what is read one by one; ``seen`` says how much it was."""

    __slots__ = ("_most", "seen")

    def __init__(self, limits: Limits) -> None:
        self._most = limits.structure_items
        self.seen = 0

    def add(self, count: int = 1) -> None:
        """Count; raise :class:`LimitError` where they are too many."""
        self.seen += count
        if self.seen > self._most:
            raise LimitError(
                f"structure_items: there are more than {self._most:,} entries in it",
                hint="raise the limit structure_items for a model of this size",
                limit="structure_items",
                allowed=self._most,
                seen=self.seen,
            )
