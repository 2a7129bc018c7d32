"""A forward-only reader over bytes that come piece by piece, with exact positions."""

from __future__ import annotations

from collections.abc import Generator

from secureload.allowance import renew
from secureload.errors import ArtifactError

__all__ = ["PieceReader"]


class PieceReader:
    """Read the bytes of ``pieces``, none of which is empty; what the generator returns is ``trailing_bytes``.

    ``read`` and ``readline`` return short, and then nothing, at the end of the stream. Where the generator
    raises an :class:`~secureload.errors.ArtifactError`, they first return what there is, short, and from then
    on raise it; ``failure`` holds it from the moment it was met.

    There is no ``peek`` and no ``readinto``: with a ``peek`` the C unpickler would read ahead.
    """

    __slots__ = ("_at", "_base", "_buffer", "_end", "_finished", "_pieces", "failure", "trailing_bytes")

    def __init__(self, pieces: Generator[bytes, None, int]) -> None:
        self.failure: ArtifactError | None = None
        self.trailing_bytes = 0
        self._pieces = pieces
        self._finished = False
        self._buffer = b""
        self._at = 0  # our position in the buffer
        self._end = 0  # the buffer's length
        self._base = 0  # the buffer's position in the stream

    def read(self, size: int = -1, /) -> bytes:
        """Return the next ``size`` bytes, fewer at the end; all that is left where ``size`` is negative."""
        start = self._at
        end = start + size
        if start <= end <= self._end:
            self._at = end
            return self._buffer[start:end]
        return self._read_across(size)

    def readline(self) -> bytes:
        """Return the bytes up to and including the next newline, or up to the end."""
        start = self._at
        end = self._buffer.find(b"\n", start) + 1
        if end:
            self._at = end
            return self._buffer[start:end]
        return self._readline_across()

    def tell(self) -> int:
        """Return the position in the stream."""
        return self._base + self._at

    def head(self, size: int, /) -> bytes:
        """Return the next ``size`` bytes, fewer at the end or before a failure, and stay where we are."""
        pieces = [self._buffer[self._at :]]
        length = self._end - self._at
        while length < size and (piece := self._next_piece()):
            pieces.append(piece)
            length += len(piece)
        if len(pieces) > 1:
            self._put(b"".join(pieces), self._base + self._at)
        return self._buffer[self._at : self._at + size]

    def skip(self, size: int, /) -> int:
        """Step over ``size`` bytes without keeping them; return how many there were."""
        skipped = 0
        size = max(size, 0)
        while True:
            step = min(size - skipped, self._end - self._at)
            self._at += step
            skipped += step
            if skipped >= size or not self._advance(quiet=skipped > 0):
                return skipped

    def drain(self) -> int:
        """Step over all that is left, never raising, and return how much it was.

        Afterwards ``failure`` and ``trailing_bytes`` are final.
        """
        drained = self._end - self._at
        self._at = self._end
        while piece := self._next_piece():
            drained += len(piece)
            self._base += len(piece)
        return drained

    def _read_across(self, size: int) -> bytes:
        pieces: list[bytes] = []
        missing = size
        while missing:
            piece = self._buffer[self._at :] if missing < 0 else self._buffer[self._at : self._at + missing]
            self._at += len(piece)
            if piece:
                pieces.append(piece)
            if missing > 0:
                missing -= len(piece)
            if missing and not self._advance(quiet=bool(pieces)):
                break
        return b"".join(pieces)

    def _readline_across(self) -> bytes:
        pieces: list[bytes] = []
        while True:
            end = self._buffer.find(b"\n", self._at) + 1 or self._end
            piece = self._buffer[self._at : end]
            self._at = end
            if piece:
                pieces.append(piece)
            if piece.endswith(b"\n") or not self._advance(quiet=bool(pieces)):
                return b"".join(pieces)

    def _advance(self, *, quiet: bool) -> bool:
        """Go on to the next piece; False at the end. A failure is raised unless ``quiet``."""
        piece = self._next_piece()
        if piece:
            self._put(piece, self._base + self._end)
        elif self.failure is not None and not quiet:
            raise self.failure
        return bool(piece)

    def _put(self, buffer: bytes, base: int) -> None:
        self._buffer = buffer
        self._base = base
        self._at = 0
        self._end = len(buffer)

    def _next_piece(self) -> bytes:
        """Return the next piece, b"" where there is none, be it for the end or for a failure."""
        if self._finished:
            return b""
        renew()
        try:
            return next(self._pieces)
        except StopIteration as end:
            self.trailing_bytes = end.value
        except ArtifactError as failure:
            self.failure = failure
        self._finished = True
        return b""
