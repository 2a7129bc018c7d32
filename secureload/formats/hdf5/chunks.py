"""Datasets of bytes that are stored in chunks: put together again, where they could be a pickle.

Somebody who keeps a pickle in a dataset may have it compressed. Only datasets of one dimension are read, through
the library's own filters, and only as far as they look like one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

from secureload.formats.hdf5.file import Hdf5File
from secureload.formats.item_count import ItemCount
from secureload.formats.pickle_start import may_be_pickle
from secureload.formats.region import Region

__all__ = ["Chunk", "chunks_of_tree", "stored_bytes"]

# Where a chunk begins in the dataset, its bytes, and which filters were left out for it, as bits.
Chunk = tuple[int, Region, int]

_DEFLATE, _SHUFFLE, _FLETCHER32 = 1, 2, 3
_CHECKSUM_BYTES = 4
_HEAD_BYTES = 4096


def chunks_of_tree(file: Hdf5File, address: int) -> Iterator[Chunk]:
    """Yield the chunks of a dataset of one dimension: its tree has keys of a size, bits, and two offsets."""
    waiting = [address]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        cursor = file.at(node)
        file.expect(cursor, b"TREE")
        if cursor.number(1) != 1:
            raise cursor.malformed("a dataset has a tree of groups")
        level, entries = cursor.number(1), cursor.number(2)
        cursor.skip(2 * file.address_bytes)
        for _ in range(entries):
            file.count.add()
            size, mask, start = cursor.number(4), cursor.number(4), cursor.number(8)
            cursor.skip(8)
            child = file.address(cursor)
            if child is not None and level:
                waiting.append(child)
            elif child is not None:
                yield start, file.data.part(child, size), mask


def stored_bytes(
    chunks: Sequence[Chunk], filters: Sequence[int], size: int, most: int, count: ItemCount
) -> bytes:
    """Return the ``size`` bytes of a dataset from its chunks; b"" where they are no pickle, or not read here.

    At most ``most`` bytes are put together; a KiB that is expanded counts as an entry.
    """
    found = bytearray()
    for start, data, mask in sorted(chunks, key=lambda chunk: chunk[0]):
        piece = _unfiltered(data, filters, mask, most - len(found))
        if piece is None or start > most:
            return b""
        count.add(1 + (len(piece) >> 10))
        found += bytes(max(start - len(found), 0))  # chunks that were never written are zeros
        found[start:] = piece
        if not may_be_pickle(bytes(found[:_HEAD_BYTES]), size):
            return b""
    return bytes(found[:size])


def _unfiltered(data: Region, filters: Sequence[int], mask: int, most: int) -> bytes | None:
    """Return the bytes of a chunk, None where a filter is not read here or they are damaged."""
    # What cannot be compressed grows a little.
    raw = data.read_at(0, 2 * most + _HEAD_BYTES)
    for number, kind in reversed(list(enumerate(filters))):
        if mask >> number & 1:
            continue
        if kind == _FLETCHER32:
            raw = raw[:-_CHECKSUM_BYTES]
        elif kind == _DEFLATE:
            try:
                raw = zlib.decompressobj().decompress(raw, max(most, 1))
            except zlib.error:
                return None
        elif kind != _SHUFFLE:  # which changes nothing where elements are one byte long
            return None
    return raw
