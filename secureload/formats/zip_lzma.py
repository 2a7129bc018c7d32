"""LZMA inside a zip archive: the same stream as a ``.lzma`` file behind another header (APPNOTE 5.8.8)."""

from __future__ import annotations

from typing import Literal

from secureload.formats.expansion import SeekableReader
from secureload.formats.region import Region

__all__ = ["lzma_stream"]

# Version of the SDK and length of the properties, two bytes each; then the properties, which have five.
_PROPERTIES_AT = 4
_PROPERTIES_BYTES = 5
_ENDS_ITSELF = 0x2


def lzma_stream(packed: Region, size: int, flags: int) -> SeekableReader:
    """Return the member's bytes as a ``.lzma`` file; ``size`` is what it expands to.

    A member of another length of properties is given as it is: no decoder takes it.
    """
    if int.from_bytes(packed.read_at(2, 2), "little") != _PROPERTIES_BYTES:
        return packed.cursor()
    length = 0xFFFFFFFFFFFFFFFF if flags & _ENDS_ITSELF else min(size, 0xFFFFFFFFFFFFFFFF)
    body = _PROPERTIES_AT + _PROPERTIES_BYTES
    head = packed.read_at(_PROPERTIES_AT, _PROPERTIES_BYTES) + length.to_bytes(8, "little")
    return _Headed(head, packed.part(body, packed.size - body))


class _Headed:
    """A few bytes, then a region, as one file."""

    def __init__(self, head: bytes, body: Region) -> None:
        self._head = head
        self._body = body
        self._at = 0

    def read(self, size: int, /) -> bytes:
        """Return the next ``size`` bytes, fewer at the end."""
        piece = self._head[self._at : self._at + size]
        missing = size - len(piece)
        piece += self._body.read_at(self._at + len(piece) - len(self._head), missing)
        self._at += len(piece)
        return piece

    def seek(self, offset: int, whence: Literal[0, 1, 2] = 0, /) -> int:
        """Move; never before the beginning."""
        base = (0, self._at, len(self._head) + self._body.size)[whence]
        self._at = max(base + offset, 0)
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at
