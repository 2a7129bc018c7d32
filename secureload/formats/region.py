"""Random access to pinned bytes, or to a part of them, without copying; and cursors that read forward.

A cursor over mapped bytes has a mapping of its own that ends where its region ends, so that an unpickler calls
the map's own methods, in C, and meets the end of the file there.
"""

from __future__ import annotations

import io
from mmap import ALLOCATIONGRANULARITY, MAP_PRIVATE, PROT_READ, mmap
from typing import Literal, Protocol, TypeAlias

__all__ = ["ByteStream", "Cursor", "Region"]

_Buffer: TypeAlias = "mmap | bytes | bytearray"
# A small region is copied for its cursor: BytesIO reads at the speed of C.
_COPIED_BYTES = 4 << 20


class ByteStream(Protocol):
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


class Region:
    """``size`` bytes of ``buffer`` from ``start`` on. All positions are relative to its beginning.

    What lies outside is never given out: reads are short at the end, and a part is cut to what there is.
    """

    __slots__ = ("_buffer", "_descriptor", "_start", "size")

    def __init__(
        self, buffer: _Buffer, start: int = 0, size: int | None = None, *, descriptor: int = -1
    ) -> None:
        whole = len(buffer)
        self._start = min(max(start, 0), whole)
        self.size = whole - self._start if size is None else min(max(size, 0), whole - self._start)
        self._buffer = buffer
        self._descriptor = descriptor

    @classmethod
    def mapped(cls, descriptor: int, size: int) -> Region:
        """Return all ``size`` bytes of a sealed file that stays open, mapped privately and read-only."""
        if not size:
            return cls(b"")
        return cls(mmap(descriptor, size, flags=MAP_PRIVATE, prot=PROT_READ), descriptor=descriptor)

    def close(self) -> None:
        """Unmap mapped bytes now, and with them the copy of the descriptor that the map keeps open."""
        if isinstance(self._buffer, mmap):
            self._buffer.close()

    def read_at(self, offset: int, size: int) -> bytes:
        """Return ``size`` bytes from ``offset`` on, fewer at the end, none before the beginning."""
        if offset < 0 or size <= 0 or offset >= self.size:
            return b""
        start = self._start + offset
        return bytes(self._buffer[start : start + min(size, self.size - offset)])

    def head(self, size: int) -> bytes:
        """Return the first ``size`` bytes, fewer at the end."""
        return self.read_at(0, size)

    def part(self, offset: int, size: int) -> Region:
        """Return a part as a region of its own, cut to what there is."""
        offset = min(max(offset, 0), self.size)
        size = min(max(size, 0), self.size - offset)
        return Region(self._buffer, self._start + offset, size, descriptor=self._descriptor)

    def find(self, wanted: bytes, start: int = 0, end: int | None = None) -> int:
        """Return where ``wanted`` stands first between ``start`` and ``end``, -1 if nowhere."""
        found = self._buffer.find(wanted, *self._span(start, end))
        return found if found < 0 else found - self._start

    def rfind(self, wanted: bytes, start: int = 0, end: int | None = None) -> int:
        """Return where ``wanted`` stands last between ``start`` and ``end``, -1 if nowhere."""
        found = self._buffer.rfind(wanted, *self._span(start, end))
        return found if found < 0 else found - self._start

    def cursor(self) -> Cursor:
        """Return a reader of its own from the beginning."""
        if self.size <= max(_COPIED_BYTES, 0):  # a mapping of no bytes would be one of all
            return _CursorInC(self, io.BytesIO(self.read_at(0, self.size)), 0)
        if self._descriptor >= 0:
            before = self._start % ALLOCATIONGRANULARITY
            offset = self._start - before
            view = mmap(
                self._descriptor, before + self.size, flags=MAP_PRIVATE, prot=PROT_READ, offset=offset
            )
            return _CursorInC(self, view, before)
        return Cursor(self)

    def _span(self, start: int, end: int | None) -> tuple[int, int]:
        stop = self.size if end is None else min(max(end, 0), self.size)
        return self._start + min(max(start, 0), self.size), self._start + stop


class Cursor:
    """A :class:`ByteStream` over a region, which can also be moved as a binary file can."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._at = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return the next ``size`` bytes, fewer at the end; all that is left where ``size`` is negative."""
        data = self._region.read_at(self._at, self._region.size - self._at if size < 0 else size)
        self._at += len(data)
        return data

    def readline(self) -> bytes:
        """Return the bytes up to and including the next newline, or up to the end."""
        end = self._region.find(b"\n", self._at) + 1 or self._region.size
        return self.read(end - self._at)

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: Literal[0, 1, 2] = 0, /) -> int:
        """Move; never before the beginning."""
        base = (0, self._at, self._region.size)[whence]
        self._at = max(base + offset, 0)
        return self._at

    def skip(self, size: int, /) -> int:
        """Step over ``size`` bytes; return how many there were."""
        skipped = min(max(size, 0), max(self._region.size - self._at, 0))
        self._at += skipped
        return skipped

    def head(self, size: int, /) -> bytes:
        """Return the next bytes without moving."""
        return self._region.read_at(self._at, size)


class _CursorInC(Cursor):
    """The same over a file in memory, of which the region begins at ``before`` and ends at its end."""

    def __init__(self, region: Region, file: io.BytesIO | mmap, before: int) -> None:
        super().__init__(region)
        self._file = file
        self._before = before
        file.seek(before)
        # Instance attributes win over the methods: an unpickler calls them once an opcode.
        self.read = file.read  # type: ignore[method-assign]  # the same, in C
        self.readline = file.readline  # type: ignore[method-assign]  # as above
        if not before:
            self.tell = file.tell  # type: ignore[method-assign]  # as above

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell() - self._before

    def seek(self, offset: int, whence: Literal[0, 1, 2] = 0, /) -> int:
        """Move; never before the beginning, and to the end at the most."""
        base = (0, self.tell(), self._region.size)[whence]
        at = min(max(base + offset, 0), self._region.size)
        self._file.seek(self._before + at)
        return at

    def skip(self, size: int, /) -> int:
        """Step over ``size`` bytes; return how many there were."""
        position = self.tell()
        skipped = min(max(size, 0), max(self._region.size - position, 0))
        self._file.seek(self._before + position + skipped)
        return skipped

    def head(self, size: int, /) -> bytes:
        """Return the next bytes without moving."""
        return self._region.read_at(self.tell(), size)
