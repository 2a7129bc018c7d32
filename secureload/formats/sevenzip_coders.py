"""What the coders of a 7z archive give: LZMA, LZMA2, bzip2, deflate, zstd, copies, and the filters before them.

The decompressors are those of the standard library (and zstd's); a filter is run by liblzma over LZMA2 chunks
that hold bytes as they are, for it runs none by itself. Source: ``Methods.txt`` of the LZMA SDK.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable, Generator, Iterator
from typing import Any

from secureload.errors import LimitError, MalformedError, UnsupportedError
from secureload.formats.compression import (
    DECOMPRESSION_ERRORS,
    LZMA_MEMORY_BYTES,
    Decompressor,
    new_decompressor,
)
from secureload.formats.region import Region
from secureload.formats.sevenzip_fields import malformed
from secureload.formats.sevenzip_header import Coder, Folder
from secureload.limits import Limits

__all__ = ["expand_folder"]

_INPUT_BYTES = 64 * 1024
_OUTPUT_BYTES = 256 * 1024
_CHUNK_BYTES = 64 * 1024
_NAMES = {
    b"\x06\xf1\x07\x01": "AES-256 (the archive has a password)",
    b"\x03\x04\x01": "PPMd",
    b"\x03\x03\x01\x1b": "BCJ2",
    b"\x04\x01\x09": "deflate64",
    b"\x0a": "the ARM64 filter",
    b"\x0b": "the RISC-V filter",
    b"\x04\xf7\x11\x02": "Brotli",
}
_FILTERS = {
    b"\x03\x03\x01\x03": lzma.FILTER_X86,
    b"\x04": lzma.FILTER_X86,
    b"\x03\x03\x02\x05": lzma.FILTER_POWERPC,
    b"\x05": lzma.FILTER_POWERPC,
    b"\x03\x03\x04\x01": lzma.FILTER_IA64,
    b"\x06": lzma.FILTER_IA64,
    b"\x03\x03\x05\x01": lzma.FILTER_ARM,
    b"\x07": lzma.FILTER_ARM,
    b"\x03\x03\x07\x01": lzma.FILTER_ARMTHUMB,
    b"\x08": lzma.FILTER_ARMTHUMB,
    b"\x03\x03\x08\x05": lzma.FILTER_SPARC,
    b"\x09": lzma.FILTER_SPARC,
}
_COPY, _DELTA, _LZMA, _LZMA2 = b"\x00", b"\x03", b"\x03\x01\x01", b"\x21"
_DEFLATE, _BZIP2, _ZSTD, _LZ4 = b"\x04\x01\x08", b"\x04\x02\x02", b"\x04\xf7\x11\x01", b"\x04\xf7\x11\x04"


def expand_folder(data: Region, folder: Folder, limits: Limits) -> Iterator[bytes]:
    """Yield what ``folder``, over the packed bytes in ``data``, expands to, in pieces of at most 256 KiB.

    Raises:
        UnsupportedError: there is a coder without a decoder here, or several streams.
        LimitError: it expands too far (``expansion_ratio``, ``expanded_bytes``), or wants too much memory.
        MalformedError: the bytes are damaged or too few; what came before them was yielded.
    """
    if folder.unsupported:
        raise UnsupportedError(f"the 7z archive uses {folder.unsupported}", format="7z")
    _check_sizes(folder, limits)
    pieces: Iterator[bytes] = _packed(data)
    for coder in folder.coders:
        pieces = _cut(_decoded(coder, pieces), coder.size)
    yield from pieces


def _check_sizes(folder: Folder, limits: Limits) -> None:
    for coder in folder.coders:
        allowed = max(limits.expansion_floor_bytes, limits.expansion_ratio * folder.packed)
        for limit, most in (("expanded_bytes", limits.expanded_bytes), ("expansion_ratio", allowed)):
            if coder.size > most:
                raise LimitError(
                    f"{limit}: {folder.packed:,} bytes of the 7z archive expand to {coder.size:,}",
                    hint="This is what a decompression bomb looks like; ask the sender for the files themselves.",
                    limit=limit,
                    allowed=getattr(limits, limit),
                    seen=coder.size if limit == "expanded_bytes" else coder.size // max(folder.packed, 1),
                )


def _packed(data: Region) -> Iterator[bytes]:
    for at in range(0, data.size, _INPUT_BYTES):
        yield data.read_at(at, _INPUT_BYTES)


def _cut(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Yield the first ``size`` bytes; :class:`MalformedError` where there are fewer."""
    left = size
    while left:
        piece = next(pieces, b"")
        if not piece:
            raise malformed(f"the 7z archive's bytes are cut off: {left:,} of {size:,} are missing")
        yield piece[:left]
        left -= min(len(piece), left)


def _decoded(coder: Coder, pieces: Iterator[bytes]) -> Iterator[bytes]:
    if coder.method == _COPY:
        return pieces
    if coder.method == _DELTA:
        distance = (coder.properties or b"\0")[0] + 1
        return _filtered(pieces, {"id": lzma.FILTER_DELTA, "dist": distance})
    if coder.method in _FILTERS:
        return _filtered(pieces, {"id": _FILTERS[coder.method]})
    return _expanded(_decoder(coder), pieces)


def _decoder(coder: Coder) -> Callable[[], Decompressor]:
    """Return what makes a decompressor: bzip2, zstd and lz4 may be several streams, one behind the other."""
    method, properties = coder.method, coder.properties
    if method == _LZMA:
        return lambda: _raw_lzma(_lzma1(properties))
    if method == _LZMA2:
        return lambda: _raw_lzma({"id": lzma.FILTER_LZMA2, "dict_size": _lzma2_dictionary(properties)})
    if method == _DEFLATE:
        return _Deflate
    if method in (_BZIP2, _ZSTD, _LZ4):
        name: Any = {_BZIP2: "bz2", _ZSTD: "zstd", _LZ4: "lz4"}[method]
        return lambda: new_decompressor(name, first=True)
    what = _NAMES.get(method, f"a coder that is not known here ({method.hex()})")
    raise UnsupportedError(f"the 7z archive uses {what}", format="7z")


class _Deflate:
    """Raw deflate behind the interface of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(-zlib.MAX_WBITS)
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
        self.needs_input = not self._inner.unconsumed_tail and len(out) != max_length
        return out


def _raw_lzma(step: dict[str, Any]) -> Decompressor:
    memory = step.get("dict_size", 0)
    if memory > LZMA_MEMORY_BYTES:
        raise LimitError(
            f"the 7z archive asks for more than {LZMA_MEMORY_BYTES >> 20:,} MiB to be expanded",
            hint="Compress it with a smaller dictionary.",
            limit="lzma_memory_bytes",
            allowed=LZMA_MEMORY_BYTES,
            seen=memory,
        )
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[step])


def _lzma1(properties: bytes) -> dict[str, Any]:
    if len(properties) != 5 or properties[0] >= 9 * 5 * 5:
        raise malformed("the LZMA properties of the 7z archive are none")
    rest, context = divmod(properties[0], 9)
    position, literal = divmod(rest, 5)
    dictionary = max(int.from_bytes(properties[1:], "little"), 4096)
    return {"id": lzma.FILTER_LZMA1, "dict_size": dictionary, "lc": context, "lp": literal, "pb": position}


def _lzma2_dictionary(properties: bytes) -> int:
    if len(properties) != 1 or properties[0] > 40:
        raise malformed("the LZMA2 properties of the 7z archive are none")
    bits = properties[0]
    return 0xFFFFFFFF if bits == 40 else (2 | bits & 1) << (bits // 2 + 11)


def _expanded(make: Callable[[], Decompressor], pieces: Iterator[bytes]) -> Generator[bytes, None, None]:
    decompressor = make()
    waiting = b""
    try:
        while True:
            data = waiting
            waiting = b""
            if not data and decompressor.needs_input:
                data = next(pieces, b"")
                if not data:
                    return
            out = decompressor.decompress(data, max_length=_OUTPUT_BYTES)
            if out:
                yield out
            if decompressor.eof:
                waiting = decompressor.unused_data or next(pieces, b"")
                if not waiting:
                    return
                decompressor = make()
    except DECOMPRESSION_ERRORS as error:
        raise MalformedError(
            f"the 7z archive's bytes are damaged ({type(error).__name__})", format="7z"
        ) from error


def _filtered(pieces: Iterator[bytes], step: dict[str, Any]) -> Generator[bytes, None, None]:
    """Run a filter of liblzma over ``pieces``, handed in as LZMA2 chunks that are not compressed."""
    decompressor = lzma.LZMADecompressor(
        lzma.FORMAT_RAW, filters=[step, {"id": lzma.FILTER_LZMA2, "dict_size": _CHUNK_BYTES}]
    )
    mark = b"\x01"  # the first chunk also empties the dictionary
    for piece in pieces:
        for at in range(0, len(piece), _CHUNK_BYTES):
            chunk = piece[at : at + _CHUNK_BYTES]
            out = decompressor.decompress(mark + (len(chunk) - 1).to_bytes(2, "big") + chunk)
            mark = b"\x02"
            if out:
                yield out
    out = decompressor.decompress(b"\0")
    if out:
        yield out
