"""Tables, vectors and strings of a FlatBuffer, without a schema (https://flatbuffers.dev/internals).

Positions are checked against the bytes, and whatever points outside is malformed.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.formats.binary import BinaryCursor
from secureload.formats.item_count import ItemCount
from secureload.formats.region import Region
from secureload.values import dataclass

__all__ = ["Table", "root_table"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table at the position ``at``. Its fields are numbered from 0 in the order of the schema."""

    data: Region
    at: int

    def table(self, field: int) -> Table | None:
        """Return the table in a field, None where there is none."""
        place = self._place(field)
        return None if place is None else Table(self.data, place + self._number(place, 4))

    def number(self, field: int, size: int, default: int = 0) -> int:
        """Return the unsigned number in a field."""
        place = self._place(field)
        return default if place is None else self._number(place, size)

    def text(self, field: int, most: int = 1_000) -> str:
        """Return the string in a field, "" where there is none; cut at ``most`` bytes."""
        place = self._place(field)
        if place is None:
            return ""
        start = place + self._number(place, 4)
        length = self._number(start, 4)
        return self.data.read_at(start + 4, min(length, most)).decode("utf-8", "replace")

    def length(self, field: int) -> int:
        """Return how many elements the vector in a field has."""
        place = self._place(field)
        return 0 if place is None else self._number(place + self._number(place, 4), 4)

    def tables(self, field: int, count: ItemCount) -> Iterator[Table]:
        """Yield the tables of the vector in a field."""
        place = self._place(field)
        if place is None:
            return
        start = place + self._number(place, 4)
        amount = self._number(start, 4)
        BinaryCursor(self.data, "FlatBuffer", at=start + 4).need(4 * amount)
        for number in range(amount):
            count.add()
            entry = start + 4 + 4 * number
            yield Table(self.data, entry + self._number(entry, 4))

    def _place(self, field: int) -> int | None:
        """Return where the value of a field stands, None where the table has none."""
        back = self._number(self.at, 4)
        start = self.at - (back - (1 << 32) if back >> 31 else back)
        if start < 0:
            raise BinaryCursor(self.data, "FlatBuffer", at=0).malformed("a table lies before its beginning")
        if 4 + 2 * field + 2 > self._number(start, 2):
            return None
        offset = self._number(start + 4 + 2 * field, 2)
        return self.at + offset if offset else None

    def _number(self, at: int, size: int) -> int:
        return BinaryCursor(self.data, "FlatBuffer", at=at).number(size)


def root_table(data: Region) -> Table:
    """Return the table that a FlatBuffer begins with."""
    return Table(data, BinaryCursor(data, "FlatBuffer").number(4))
