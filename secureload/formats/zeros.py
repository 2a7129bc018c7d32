"""Whether a stretch of bytes is only zeros: padding hides nothing."""

from __future__ import annotations

from secureload.formats.region import Region

__all__ = ["first_nonzero"]

_PIECE_BYTES = 1 << 20


def first_nonzero(data: Region) -> int:
    """Return where the first byte stands that is not zero, -1 where there is none; it ends the search."""
    for start in range(0, data.size, _PIECE_BYTES):
        piece = data.read_at(start, _PIECE_BYTES)
        rest = piece.lstrip(b"\0")
        if rest:
            return start + len(piece) - len(rest)
    return -1
