"""Compressed streams expanded piece by piece, member by member, under limits.

The rule kept here: **what any loader could get out of a damaged stream is given first, then the damage is
raised.** A decompressor throws away the output of the step that fails, and a loader that reads in other steps
than ours would see a payload that stands right in front of a wrong byte. So where a step fails, its member is
expanded again, in ever smaller steps near the failure, and all of that is given out before the error.
"""

from __future__ import annotations

import lzma
from collections.abc import Generator
from typing import Literal, Protocol

from secureload.errors import LimitError, MalformedError, SecureloadError
from secureload.formats.compression import (
    DECOMPRESSION_ERRORS,
    LZMA_MEMORY_BYTES,
    ZSTD_WINDOW_BYTES,
    Compression,
    Decompressor,
    new_decompressor,
)
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable

__all__ = ["SeekableReader", "expand"]

_INPUT_BYTES = 64 * 1024
# The first read of a later member: a file of a million empty members costs no more than it must.
_PROBE_BYTES = 512
_OUTPUT_BYTES = 256 * 1024
_COARSE_BYTES = 4096
_SINGLE = ("zlib", "deflate")


class SeekableReader(Protocol):
    """The part of a binary file that is used here; a memory map has it too."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, none at the end."""

    def seek(self, offset: int, whence: Literal[0, 1, 2] = ..., /) -> object:
        """Move."""

    def tell(self) -> int:
        """Return the position."""


def expand(
    raw: SeekableReader, compression: Compression, limits: Limits = DEFAULT_LIMITS
) -> Generator[bytes, None, int]:
    """Yield the expanded stream of ``raw`` in pieces of at most 256 KiB; return the count of trailing bytes.

    ``raw`` is a seekable binary file that nobody else moves. Members that follow each other are one stream,
    as Python's own ``gzip``, ``bz2``, ``lzma``, ``lz4.frame`` and ``zstd`` read them (zlib and deflate have one).
    What follows and gives not a single byte is no member: it is counted as trailing.

    Raises :class:`MalformedError` (fields ``format``, ``offset`` in the compressed bytes,
    ``expanded_offset``) or :class:`LimitError` (``expansion_ratio``, ``expanded_bytes``, ``empty_members``,
    ``lzma_memory_bytes``,
    ``zstd_window_bytes``), both only after all that was found before them has been yielded.
    """
    raw.seek(0, 2)
    size = raw.tell()  # a memory map answers None to seek before Python 3.13
    start = expanded = empty = 0
    while True:
        member = _Member(raw, compression, start)
        for piece in member.pieces():
            expanded += len(piece)
            _check_limits(expanded, member.taken, limits)
            yield piece
        if member.problem is not None:
            if start and not member.given and not _wants_memory(member.problem):
                return size - start
            raise _failure(member.problem, compression, member.taken, expanded)
        empty += not member.given
        if empty > limits.empty_members:
            raise LimitError(
                f"empty_members: more than {limits.empty_members:,} members of the {compression} stream hold nothing",
                hint="ask the sender what this file is",
                limit="empty_members",
                allowed=limits.empty_members,
                seen=empty,
            )
        start = _after_padding(raw, member.end) if compression == "gzip" else member.end
        if start >= size or compression in _SINGLE:
            return size - member.end


class _Member:
    """One compressed member. After ``pieces()`` is used up, ``problem`` or ``end`` says how it ended."""

    def __init__(self, raw: SeekableReader, compression: Compression, start: int) -> None:
        self._raw = raw
        self._compression = compression
        self._start = start
        self.given = 0  # expanded bytes
        self.taken = start  # position in the compressed bytes up to which input was read
        self.end = start  # position in the compressed bytes behind the member
        self.problem: Exception | None = None
        self._last_read = start  # where the input begins that was fed last

    def pieces(self) -> Generator[bytes, None, None]:
        """Yield what the member holds, without empty pieces."""
        decompressor = self._begin()
        while not decompressor.eof:
            try:
                piece = self._step(decompressor, _OUTPUT_BYTES)
            except DECOMPRESSION_ERRORS as error:
                self.problem = error
                piece = self._salvage()
                if piece:
                    self.given += len(piece)
                    yield piece
                return
            if piece:
                self.given += len(piece)
                yield piece
        self.end = self.taken - len(decompressor.unused_data or b"")

    def _begin(self) -> Decompressor:
        self._raw.seek(self._start)
        return new_decompressor(self._compression, first=self._start == 0)

    def _step(self, decompressor: Decompressor, most: int, single_from: int | None = None) -> bytes:
        """Expand at most ``most`` bytes; compressed bytes from ``single_from`` on are fed one by one."""
        data = b""
        if decompressor.needs_input:
            position = self._raw.tell()
            data = self._raw.read(self._input_size(position, single_from))
            if not data:
                raise EOFError
            self._last_read = position
            self.taken = max(self.taken, position + len(data))
        return decompressor.decompress(data, max_length=most)

    def _input_size(self, position: int, single_from: int | None) -> int:
        if single_from is not None:
            return 1 if position >= single_from else min(_INPUT_BYTES, single_from - position)
        return _PROBE_BYTES if position == self._start != 0 else _INPUT_BYTES

    def _salvage(self) -> bytes:
        """Return what the failed step would have given in smaller ones, at the end of one byte in and out."""
        if isinstance(self.problem, EOFError):
            return b""
        failed_in = self._last_read
        coarse = self._replay(self.given, self.given, None)
        return self._replay(self.given, self.given + len(coarse), failed_in)

    def _replay(self, usual: int, coarse: int, single_from: int | None) -> bytes:
        """Expand again and return what comes after the first ``usual`` bytes, up to the failure.

        Steps have the usual size for the first ``usual`` bytes, then a coarse one; with ``single_from`` they
        are of one byte after ``coarse`` bytes, and the input is fed bytewise from there: a wrong checksum
        then cannot take the last byte with it.
        """
        found = bytearray()
        given = 0
        decompressor = self._begin()
        try:
            while not decompressor.eof:
                fine = single_from is not None and given >= coarse
                most = _OUTPUT_BYTES if given < usual else 1 if fine else _COARSE_BYTES
                piece = self._step(decompressor, most, single_from)
                given += len(piece)
                found += piece[max(len(piece) - (given - usual), 0) :] if given > usual else b""
        except DECOMPRESSION_ERRORS:
            pass
        return bytes(found)


def _after_padding(raw: SeekableReader, position: int) -> int:
    """Return where the zero bytes from ``position`` on end: Python's gzip reads over them between members."""
    raw.seek(position)
    while data := raw.read(_INPUT_BYTES):
        rest = data.lstrip(b"\0")
        position += len(data) - len(rest)
        if rest:
            break
    return position


def _check_limits(expanded: int, taken: int, limits: Limits) -> None:
    if expanded > limits.expanded_bytes:
        raise LimitError(
            f"the compressed stream expands to more than {limits.expanded_bytes:,} bytes",
            hint="Examine it uncompressed, or raise the limit expanded_bytes.",
            limit="expanded_bytes",
            allowed=limits.expanded_bytes,
            seen=expanded,
        )
    if expanded > max(limits.expansion_floor_bytes, limits.expansion_ratio * taken):
        raise LimitError(
            f"{taken:,} compressed bytes expand to {expanded:,} or more, over {limits.expansion_ratio:,} : 1",
            hint="This is what a decompression bomb looks like; ask the sender for the uncompressed file.",
            limit="expansion_ratio",
            allowed=limits.expansion_ratio,
            seen=expanded // max(taken, 1),
        )


def _wants_memory(problem: Exception) -> bool:
    """Whether the decompressor gave up for our bound on its memory: a loader without one would go on."""
    if isinstance(problem, lzma.LZMAError):
        return "memory usage limit" in str(problem).lower()
    return "too much memory" in str(problem)  # zstd, whose window is bounded


def _failure(problem: Exception, compression: Compression, offset: int, expanded: int) -> SecureloadError:
    if _wants_memory(problem):
        limit, allowed = (
            ("zstd_window_bytes", ZSTD_WINDOW_BYTES)
            if compression == "zstd"
            else ("lzma_memory_bytes", LZMA_MEMORY_BYTES)
        )
        return LimitError(
            f"the {compression} stream asks for more than {allowed >> 20:,} MiB to be expanded",
            hint="Compress it with a smaller dictionary: no preset needs as much.",
            limit=limit,
            allowed=allowed,
        )
    if isinstance(problem, EOFError):
        message = f"the {compression} stream is cut off after {offset:,} bytes"
        hint = "Fetch the file again: its end is missing."
    else:
        message = f"the {compression} stream is damaged before byte {offset:,}: {printable(problem, 80)}"
        hint = "Fetch the file again, or ask its sender to write it again."
    return MalformedError(message, hint=hint, format=compression, offset=offset, expanded_offset=expanded)
