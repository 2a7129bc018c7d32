"""The numbers, bit fields and checksums of a 7z header, read one after the other under a bound.

Source: ``7zFormat.txt`` of the 7-Zip and LZMA SDK.
"""

from __future__ import annotations

from secureload.errors import LimitError, MalformedError

__all__ = ["Fields", "malformed"]


class Fields:
    """What is left of a header; reading beyond it raises :class:`MalformedError`."""

    def __init__(self, data: bytes, most_items: int) -> None:
        self._data = data
        self._at = 0
        self._most_items = most_items

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes."""
        if size > self.left:
            raise malformed("the header of the 7z archive is cut off")
        found = self._data[self._at : self._at + size]
        self._at += size
        return found

    def byte(self) -> int:
        """Return the next byte."""
        return self.take(1)[0]

    def number(self) -> int:
        """Return a number: the leading ones of the first byte say how many bytes follow."""
        first = self.byte()
        for extra in range(8):
            if not first & (0x80 >> extra):
                high = first & ((0x80 >> extra) - 1)
                return int.from_bytes(self.take(extra), "little") + (high << (8 * extra))
        return int.from_bytes(self.take(8), "little")

    def count(self, what: str) -> int:
        """Return a number of things of which there is a bound.

        Raises:
            LimitError: there are more than ``archive_members``.
        """
        number = self.number()
        if number > self._most_items:
            raise LimitError(
                f"archive_members: the 7z archive says that it has {number:,} {what}",
                hint="unpack it, and check the folder",
                limit="archive_members",
                allowed=self._most_items,
                seen=number,
            )
        return number

    def bits(self, count: int) -> list[bool]:
        """Return ``count`` bits, the highest of each byte first."""
        data = self.take(-(-count // 8))
        return [bool(data[at // 8] & (0x80 >> at % 8)) for at in range(count)]

    def defined(self, count: int) -> list[bool]:
        """Return which of ``count`` things have a value."""
        return [True] * count if self.byte() else self.bits(count)

    def checksums(self, count: int) -> list[int | None]:
        """Return the CRC-32 of each of ``count`` things, None where it has none."""
        return [int.from_bytes(self.take(4), "little") if known else None for known in self.defined(count)]

    def internal(self) -> None:
        """Step over the mark that says that what follows stands here, and not in another stream."""
        if self.byte():
            raise malformed("a part of the 7z archive's header stands in another stream")

    def expect(self, kind: int) -> None:
        """Step over the mark of a part."""
        if self.byte() != kind:
            raise malformed("the header of the 7z archive is not in the order of its format")


def malformed(message: str) -> MalformedError:
    """Return the error for a damaged 7z archive."""
    return MalformedError(message, format="7z")
