"""The heaps in which names, texts of variable length and dense attributes lie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from secureload.errors import MalformedError, UnsupportedError
from secureload.formats.hdf5.file import Hdf5File
from secureload.formats.hdf5.trees import records
from secureload.formats.region import Region
from secureload.values import dataclass

__all__ = [
    "FractalHeap",
    "global_heap",
    "global_heap_objects",
    "local_heap",
    "name_in",
    "open_fractal_heap",
]

_NAME_BYTES = 4096
_COLLECTION = b"GCOL"
_KEPT_COLLECTIONS = 256
_PIECE_BYTES = 4096
_OBJECT_BYTES = 8  # the number, the count of references, and zeros; the length follows
_HUGE, _TINY = 1, 2


def local_heap(file: Hdf5File, address: int) -> Region:
    """Return the data of a local heap: names, each with a NUL at its end."""
    cursor = file.at(address)
    file.expect(cursor, b"HEAP")
    cursor.skip(4)
    size = file.length(cursor)
    file.length(cursor)
    start = file.address(cursor)
    if start is None:
        raise cursor.malformed("a local heap has no data")
    return file.data.part(start, size)


def name_in(heap: Region, offset: int) -> str:
    """Return the name at ``offset`` of a local heap."""
    return heap.read_at(offset, _NAME_BYTES).split(b"\0", 1)[0].decode("utf-8", "replace")


def global_heap(file: Hdf5File, address: int) -> dict[int, Region]:
    """Return the objects of the global heap collection at ``address`` by their numbers."""
    # Attributes that were written together lie in one collection: the last ones are kept.
    if address not in file.collections:
        if len(file.collections) == _KEPT_COLLECTIONS:
            file.collections.clear()
        file.collections[address] = dict(_collection(file, address))
    return file.collections[address]


def global_heap_objects(file: Hdf5File) -> Iterator[tuple[int, Region]]:
    """Yield every object of every global heap, wherever one stands, with its address."""
    at = file.data.find(_COLLECTION)
    while at >= 0:
        with suppress(MalformedError):  # four letters among other data
            for _, data in _collection(file, at):
                yield at, data
        at = file.data.find(_COLLECTION, at + len(_COLLECTION))


def _collection(file: Hdf5File, address: int) -> Iterator[tuple[int, Region]]:
    """Yield the objects of a collection by their numbers."""
    cursor = file.at(address)
    file.expect(cursor, _COLLECTION)
    cursor.skip(4)
    end = min(address + file.length(cursor), file.data.size)
    at, header = cursor.at, _OBJECT_BYTES + file.length_bytes
    piece, base = b"", at
    while at + header <= end:
        file.count.add()
        if at + header > base + len(piece):
            piece, base = file.data.read_at(at, _PIECE_BYTES), at
        near = at - base
        number = int.from_bytes(piece[near : near + 2], "little")
        size = int.from_bytes(piece[near + _OBJECT_BYTES : near + header], "little")
        at += header
        if not number:
            return  # the free space that ends a collection
        if size > file.data.size - at:
            raise cursor.malformed("an object of a heap does not end in the file")
        yield number, file.data.part(at, size)
        at += -(-size // 8) * 8


@dataclass(frozen=True, slots=True)
class FractalHeap:
    """A fractal heap: blocks in a table whose rows double; ``root_rows`` is 0 where the root is a block itself."""

    file: Hdf5File
    id_bytes: int
    offset_bytes: int
    size_bytes: int
    table_width: int
    first_block: int
    largest_block: int
    root: int | None
    root_rows: int
    huge: int | None

    def get(self, identity: bytes) -> Region:
        """Return the object with this id."""
        kind = identity[0] >> 4 & 3
        if kind == _TINY:
            length = (identity[0] & 15) + 1
            return Region(identity, 1, length)
        if kind == _HUGE:
            return self._huge(identity[1:])
        offset = int.from_bytes(identity[1 : 1 + self.offset_bytes], "little")
        size = int.from_bytes(
            identity[1 + self.offset_bytes : 1 + self.offset_bytes + self.size_bytes], "little"
        )
        return self._managed(offset, size)

    def _huge(self, identity: bytes) -> Region:
        """Return an object with a block of its own: the id is its place, or a number in a tree."""
        address_bytes, length_bytes = self.file.address_bytes, self.file.length_bytes
        if self.id_bytes > address_bytes + length_bytes:
            return self._block(identity)
        number = identity[: min(length_bytes, self.id_bytes - 1)]
        for record in records(self.file, self.huge) if self.huge is not None else ():
            if record[address_bytes + length_bytes :].startswith(number):
                return self._block(record)
        raise self.file.at(0).malformed("a heap names an object that is not there")

    def _block(self, place: bytes) -> Region:
        width = self.file.address_bytes
        address, size = place[:width], place[width : width + self.file.length_bytes]
        return self.file.data.part(int.from_bytes(address, "little"), int.from_bytes(size, "little"))

    def _managed(self, offset: int, size: int) -> Region:
        address, rows, start = self.root, self.root_rows, 0
        while rows and address is not None:
            address, rows, start = self._child(address, rows, start, offset)
        if address is None:
            raise self.file.at(0).malformed("a heap names a block that is not there")
        self.file.expect(self.file.at(address), b"FHDB")
        return self.file.data.part(address + offset - start, size)

    def _child(self, address: int, rows: int, start: int, offset: int) -> tuple[int | None, int, int]:
        """Return the block of the indirect one at ``address`` in which ``offset`` lies: address, rows, offset."""
        self.file.count.add()
        cursor = self.file.at(address)
        self.file.expect(cursor, b"FHIB")
        cursor.skip(1 + self.file.address_bytes + self.offset_bytes)
        table = cursor.at
        passed = start
        for row in range(rows):
            size = self._block_size(row)
            if offset < passed + size * self.table_width:
                column = (offset - passed) // size
                cursor.at = table + (row * self.table_width + column) * self.file.address_bytes
                below = self._rows_of(size) if size > self.largest_block else 0
                return self.file.address(cursor), below, passed + column * size
            passed += size * self.table_width
        raise cursor.malformed("an object lies behind the end of its heap")

    def _block_size(self, row: int) -> int:
        return self.first_block << max(row - 1, 0)

    def _rows_of(self, size: int) -> int:
        """Return how many rows an indirect block of ``size`` bytes has."""
        return (size // (self.first_block * self.table_width)).bit_length()


def open_fractal_heap(file: Hdf5File, address: int) -> FractalHeap:
    """Read the header of a fractal heap; one with filters is not read here."""
    cursor = file.at(address)
    file.expect(cursor, b"FRHP")
    cursor.skip(1)
    id_bytes, filter_bytes = cursor.number(2), cursor.number(2)
    if filter_bytes:
        raise UnsupportedError("it keeps attributes or links in a heap with filters, which is not read here")
    cursor.skip(1)
    most_managed = cursor.number(4)
    file.length(cursor)
    huge = file.address(cursor)
    cursor.skip(file.address_bytes + 9 * file.length_bytes)
    width, first, largest = cursor.number(2), file.length(cursor), file.length(cursor)
    bits = cursor.number(2)
    cursor.skip(2)
    root = file.address(cursor)
    rows = cursor.number(2)
    powers = (width, first, largest)
    if any(value <= 0 or value & (value - 1) for value in powers) or bits > 64 or rows > 64 or id_bytes > 64:
        raise cursor.malformed("a heap has sizes that are no powers of two")
    return FractalHeap(
        file=file,
        id_bytes=id_bytes,
        offset_bytes=(bits + 7) // 8,
        size_bytes=_length_bytes(most_managed, largest),
        table_width=width,
        first_block=first,
        largest_block=largest,
        root=root,
        root_rows=rows,
        huge=huge,
    )


def _length_bytes(most_managed: int, largest_block: int) -> int:
    """Return how many bytes the length in a heap id has, as H5HF computes it."""
    by_block = (largest_block.bit_length() - 1 + 7) // 8
    return min(by_block, max(most_managed.bit_length() - 1, 0) // 8 + 1)
