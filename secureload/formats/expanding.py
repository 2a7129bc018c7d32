"""A forward-only reader over a compressed stream: the bytes that it holds, with exact positions."""

from __future__ import annotations

from secureload.formats.compression import Compression
from secureload.formats.expansion import SeekableReader, expand
from secureload.formats.pieces import PieceReader
from secureload.limits import DEFAULT_LIMITS, Limits

__all__ = ["ExpandingReader"]


class ExpandingReader(PieceReader):
    """Read the expanded bytes of ``raw``, a seekable binary file that nobody else moves, from its position 0.

    Where the stream is damaged or a limit is reached, what there is comes first, and then what
    :func:`secureload.formats.expansion.expand` raises. ``trailing_bytes`` counts what follows the compressed
    stream, once its end was reached. Positions are those in the expanded stream.
    """

    __slots__ = ("compression",)

    def __init__(
        self, raw: SeekableReader, compression: Compression, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        super().__init__(expand(raw, compression, limits))
        self.compression = compression
