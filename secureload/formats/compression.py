"""The compressions that joblib, pandas and archives write: their magic numbers, and one interface for all of them.

Sources: RFC 1950 (zlib), RFC 1951 (deflate, bare in zip archives), RFC 1952 (gzip), the bzip2 block header, the
.xz file format 1.2.1 and its older ``.lzma`` sibling, the LZ4 frame format 1.6, and RFC 8878 (Zstandard).
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import Literal, Protocol, TypeAlias

__all__ = [
    "DECOMPRESSION_ERRORS",
    "LZMA_MEMORY_BYTES",
    "ZSTD_WINDOW_BYTES",
    "Compression",
    "Decompressor",
    "detect_compression",
    "new_decompressor",
]

Compression: TypeAlias = Literal["zlib", "gzip", "deflate", "bz2", "xz", "lzma", "lz4", "zstd"]

# `xz -9` needs 65 MiB to decompress and nothing that joblib writes needs more; a header may ask for 4 GiB.
LZMA_MEMORY_BYTES = 256 << 20

# `zstd --ultra -22` has a window of 128 MiB, and decoders refuse more unless told to; a header may ask for 2 GiB.
ZSTD_WINDOW_BYTES = 128 << 20

# What the decompressors raise for bytes that are not theirs (bz2: OSError, lz4: RuntimeError), and for a cut.
DECOMPRESSION_ERRORS = (zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError, ValueError)

# How zlib is told which wrapping to expect: its own, that of gzip, none.
_WBITS: dict[Compression, int] = {
    "zlib": zlib.MAX_WBITS,
    "gzip": zlib.MAX_WBITS + 16,
    "deflate": -zlib.MAX_WBITS,
}

_BZ2_BLOCK = bytes.fromhex("314159265359")
_BZ2_END = bytes.fromhex("177245385090")
_LZ4_MAGIC = b"\x04\x22\x4d\x18"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
# Frames of user data, which LZ4 and Zstandard share: 0x184D2A50 to 0x184D2A5F, and a length.
_SKIPPABLE = b"\x2a\x4d\x18"


def detect_compression(head: bytes) -> Compression | None:
    """Return the compression that ``head``, the first 16 bytes or more, begins with; None for anything else.

    zlib has no magic number: its first two bytes are ``CMF`` and ``FLG``, a multiple of 31 together, with
    deflate and a 32 KiB window as everything writes it, and no preset dictionary. No pickle begins with it,
    for ``x`` is not an opcode.
    """
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:1] == b"\x78" and len(head) > 1 and (0x7800 | head[1]) % 31 == 0 and not head[1] & 0x20:
        return None if _is_no_block(head[2:7]) else "zlib"
    if head[:3] == b"BZh" and head[3:4] in b"123456789" and head[4:10] in (_BZ2_BLOCK, _BZ2_END):
        return "bz2"
    if head[:6] == b"\xfd7zXZ\x00":
        return "xz"
    if head[:4] == _LZ4_MAGIC:
        return "lz4"
    if head[:4] == _ZSTD_MAGIC:
        return "zstd"
    if head[:1] and head[0] & 0xF0 == 0x50 and head[1:4] == _SKIPPABLE and len(head) >= 8:
        return _behind_skippable(head)
    # Properties 0x5D and a dictionary size with a zero low byte: what every encoder's presets give.
    if head[:2] == b"\x5d\x00" and len(head) >= 13:
        return "lzma"
    return None


def _is_no_block(start: bytes) -> bool:
    """Whether deflate refuses these five bytes as a block's first: a stored one, whose length is not said twice.

    The length of a safetensors header may begin with the two bytes of zlib; it is smaller than 2^40.
    """
    return len(start) == 5 and not start[0] & 6 and start[1:3] != bytes(byte ^ 0xFF for byte in start[3:5])


def _behind_skippable(head: bytes) -> Compression:
    """Return what follows the frames of user data that ``head`` begins with; pandas reads zstd after them."""
    start = 0
    while head[start + 1 : start + 4] == _SKIPPABLE:
        start += 8 + int.from_bytes(head[start + 4 : start + 8], "little")
    return "lz4" if head[start : start + 4] == _LZ4_MAGIC else "zstd"


class Decompressor(Protocol):
    """One compressed member, decompressed step by step."""

    @property
    def eof(self) -> bool:
        """Whether the member's end was reached."""

    @property
    def needs_input(self) -> bool:
        """Whether there is nothing more to get without more input."""

    @property
    def unused_data(self) -> bytes | None:
        """The input behind the member's end."""

    def decompress(self, data: bytes, /, max_length: int = -1) -> bytes:
        """Take ``data`` in and return at most ``max_length`` bytes."""


class _Zlib:
    """zlib's own object keeps what it did not take in a tail that the caller has to hand back."""

    __slots__ = ("_inner", "needs_input")

    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, /, max_length: int = -1) -> bytes:
        tail = self._inner.unconsumed_tail
        out = self._inner.decompress(tail + data if tail else data, max(max_length, 0))
        # A full output may leave more of it inside even where no input is left over.
        self.needs_input = not self._inner.unconsumed_tail and len(out) != max_length
        return out


class _Zstd:
    """One frame of zstd, with an error that the others have too."""

    __slots__ = ("_error", "_inner")

    def __init__(self) -> None:
        from backports import zstd  # a compiled module that few artifacts need

        window = zstd.DecompressionParameter.window_log_max
        self._inner = zstd.ZstdDecompressor(options={window: ZSTD_WINDOW_BYTES.bit_length() - 1})
        self._error = zstd.ZstdError

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return self._inner.needs_input

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, /, max_length: int = -1) -> bytes:
        try:
            return self._inner.decompress(data, max_length)
        except self._error as error:
            raise ValueError(str(error)) from error


def new_decompressor(compression: Compression, *, first: bool) -> Decompressor:
    """Return a decompressor for the next member; after the ``first``, xz and lzma may follow each other."""
    if compression in _WBITS:
        return _Zlib(_WBITS[compression])
    if compression == "bz2":
        return bz2.BZ2Decompressor()
    if compression == "zstd":
        return _Zstd()
    if compression == "lz4":
        import lz4.frame  # a compiled module that few artifacts need

        decompressor: Decompressor = lz4.frame.LZ4FrameDecompressor()
        return decompressor
    shape = lzma.FORMAT_AUTO
    if first:
        shape = lzma.FORMAT_XZ if compression == "xz" else lzma.FORMAT_ALONE
    return lzma.LZMADecompressor(shape, memlimit=LZMA_MEMORY_BYTES)
