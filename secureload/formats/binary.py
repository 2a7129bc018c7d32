"""Numbers and counted strings one after the other, from a copy of the bytes near the last one."""

from __future__ import annotations

from typing import Literal

from secureload.errors import MalformedError
from secureload.formats.region import Region

__all__ = ["BinaryCursor"]

# The copy grows with use: many cursors read a few numbers only.
_SMALLEST_BYTES, _LARGEST_BYTES = 1 << 8, 1 << 16


class BinaryCursor:
    """Reads forward through ``data``; ``at`` is the position, which may be set.

    Whatever reaches beyond the end raises :class:`MalformedError` with ``format`` and the ``offset``.
    """

    __slots__ = ("_base", "_bytes", "_format", "_window", "at", "byteorder", "data")

    def __init__(
        self, data: Region, name: str, *, at: int = 0, byteorder: Literal["little", "big"] = "little"
    ):
        self.data = data
        self.at = at
        self.byteorder: Literal["little", "big"] = byteorder
        self._format = name
        self._base = 0
        self._bytes = b""
        self._window = _SMALLEST_BYTES

    def number(self, size: int) -> int:
        """Read an unsigned integer of ``size`` bytes."""
        start = self.at - self._base
        raw = self._bytes[start : start + size] if start >= 0 else b""
        if len(raw) < size:
            raw = self._refilled(size)
        self.at += size
        return int.from_bytes(raw, self.byteorder)

    def take(self, size: int) -> bytes:
        """Read ``size`` bytes."""
        self.need(size)
        raw = self.data.read_at(self.at, size)
        self.at += size
        return raw

    def skip(self, size: int) -> None:
        """Step over ``size`` bytes."""
        self.need(size)
        self.at += size

    def need(self, size: int) -> None:
        """Raise where fewer than ``size`` bytes are left."""
        if size > self.data.size - self.at:
            raise self.malformed(f"it is cut off: {size:,} bytes are wanted and {self.left:,} left")

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return max(self.data.size - self.at, 0)

    def malformed(self, what: str) -> MalformedError:
        """Return the error that says ``what`` is wrong here."""
        return MalformedError(
            f"this is no {self._format} file: {what}",
            hint="get the file again from its sender",
            format=self._format,
            offset=self.at,
        )

    def _refilled(self, size: int) -> bytes:
        self.need(size)
        self._base = self.at
        self._bytes = self.data.read_at(self.at, max(self._window, size))
        self._window = min(2 * self._window, _LARGEST_BYTES)
        return self._bytes[:size]
