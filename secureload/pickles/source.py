"""What the inert VM reads from: pinned bytes or an expanding stream, positioned exactly, bulk skipped."""

from __future__ import annotations

import mmap
import struct
from typing import Protocol

__all__ = ["ByteSource", "MappedSource", "SkippingFile"]

# What is kept of a bulk payload: as much as is ever shown of it (Limits.trace_text_chars).
_KEPT_BYTES = 512
_BULK_BYTES = 4_096
_NUMBER = struct.Struct("<q")


class ByteSource(Protocol):
    """A forward reader. ``read`` and ``readline`` return short at the end, ``skip`` returns what it skipped."""

    def read(self, size: int, /) -> bytes:
        """Return the next ``size`` bytes, fewer at the end."""

    def readline(self) -> bytes:
        """Return the bytes up to and including the next newline, or up to the end."""

    def tell(self) -> int:
        """Return the position in the (expanded) stream."""

    def skip(self, size: int, /) -> int:
        """Step over ``size`` bytes without keeping them; return how many there were."""

    def head(self, size: int, /) -> bytes:
        """Return the next ``size`` bytes, fewer at the end, and stay where we are."""


class MappedSource:
    """A :class:`ByteSource` over a sealed descriptor, mapped privately and read-only: no byte is read twice."""

    def __init__(self, fd: int, size: int) -> None:
        self._size = size
        self._map = (
            mmap.mmap(fd, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ) if size else mmap.mmap(-1, 1)
        )
        # Bound methods of the map itself: the C unpickler calls them once an opcode.
        self.read = self._map.read if size else self._empty
        self.readline = self._map.readline if size else self._empty
        self.tell = self._map.tell
        self.seek = self._map.seek

    def _empty(self, _size: int = 0, /) -> bytes:
        return b""

    def skip(self, size: int, /) -> int:
        """Step over ``size`` bytes; return how many there were."""
        position = self.tell()
        skipped = min(size, self._size - position)
        if self._size:
            self._map.seek(position + skipped)
        return skipped

    def head(self, size: int, /) -> bytes:
        """Return the next bytes without moving."""
        if not self._size:
            return b""
        position = self.tell()
        return self._map[position : position + size]

    def close(self) -> None:
        """Unmap."""
        self._map.close()


class SkippingFile:
    """The file object that the C unpickler is given.

    It has no ``peek``, so the unpickler never reads ahead and ``tell()`` is exact between opcodes; and its
    ``readinto``, which the unpickler uses for payloads outside of frames, steps over all but their beginning.
    Behind that it writes where the payload stands.
    """

    __slots__ = ("_mark", "_source", "read", "readline")

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self.read = source.read
        self.readline = source.readline
        # No file can know it: the hash of a text is another in each process, and so is where this object lies.
        self._mark = _NUMBER.pack(hash(("stepped over", self)))

    def start_of(self, payload: bytes) -> int | None:
        """Return where ``payload`` stands in the stream if it was stepped over, None if it is whole."""
        mark = payload[_KEPT_BYTES : _KEPT_BYTES + 2 * _NUMBER.size]
        if len(payload) <= _BULK_BYTES or mark[: _NUMBER.size] != self._mark:
            return None
        start: int = _NUMBER.unpack(mark[_NUMBER.size :])[0]
        return start

    def readinto(self, buffer: memoryview) -> int:
        """Fill the beginning of ``buffer``, step over the rest, and return how many bytes there were."""
        wanted = len(buffer)
        kept = wanted
        if wanted > _BULK_BYTES:
            kept = _KEPT_BYTES
            buffer[kept : kept + 2 * _NUMBER.size] = self._mark + _NUMBER.pack(self._source.tell())
        data = self._source.read(kept)
        buffer[: len(data)] = data
        if len(data) < kept:
            return len(data)
        return kept + self._source.skip(wanted - kept)
