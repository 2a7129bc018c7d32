"""Several stretches of bytes, read one behind the other as one stream."""

from __future__ import annotations

from collections.abc import Sequence

from secureload.formats.region import Region

__all__ = ["ChainedStream"]


class ChainedStream:
    """A :class:`~secureload.formats.region.ByteStream` over ``regions``, from the beginning of the first."""

    def __init__(self, regions: Sequence[Region]) -> None:
        self._regions = regions
        self._index = 0  # the region that is being read
        self._at = 0  # our position in it
        self._before = 0  # the bytes of those before it

    def read(self, size: int = -1, /) -> bytes:
        """Return the next ``size`` bytes, fewer at the end; all that is left where ``size`` is negative."""
        pieces = []
        left = size
        while left and (region := self._current()) is not None:
            piece = region.read_at(self._at, region.size - self._at if left < 0 else left)
            pieces.append(piece)
            self._at += len(piece)
            left -= len(piece) if left > 0 else 0
        return b"".join(pieces)

    def readline(self) -> bytes:
        """Return the bytes up to and including the next newline, or up to the end."""
        pieces = []
        while (region := self._current()) is not None:
            end = region.find(b"\n", self._at) + 1 or region.size
            piece = region.read_at(self._at, end - self._at)
            pieces.append(piece)
            self._at = end
            if piece.endswith(b"\n"):
                break
        return b"".join(pieces)

    def tell(self) -> int:
        """Return the position in the whole."""
        return self._before + self._at

    def skip(self, size: int, /) -> int:
        """Step over ``size`` bytes; return how many there were."""
        left = max(size, 0)
        while left and (region := self._current()) is not None:
            step = min(left, region.size - self._at)
            self._at += step
            left -= step
        return max(size, 0) - left

    def head(self, size: int, /) -> bytes:
        """Return the next ``size`` bytes, fewer at the end, and stay where we are."""
        index, at, before = self._index, self._at, self._before
        found = self.read(max(size, 0))
        self._index, self._at, self._before = index, at, before
        return found

    def _current(self) -> Region | None:
        """Return the region that holds the next byte, None at the end."""
        while self._index < len(self._regions):
            region = self._regions[self._index]
            if self._at < region.size:
                return region
            self._before += region.size
            self._index += 1
            self._at = 0
        return None
