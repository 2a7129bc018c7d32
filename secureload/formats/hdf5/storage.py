"""Where and how a dataset is stored: in this file, in others, through which filters."""

from __future__ import annotations

from collections.abc import Iterator

from secureload.formats.hdf5.file import Hdf5File
from secureload.formats.hdf5.headers import Message
from secureload.formats.hdf5.heaps import global_heap, local_heap, name_in
from secureload.formats.region import Region
from secureload.values import dataclass

__all__ = ["Storage", "external_files", "filters", "read_storage"]

_COMPACT, _CONTIGUOUS, _CHUNKED, _VIRTUAL = range(4)
# The index of a chunk that is all of a dataset, and the flag that says it went through filters.
_SINGLE_CHUNK, _FILTERED = 1, 2
_NAMED_FILTER = 256
_MOST_FILTERS = 32
_NAME_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Storage:
    """How the elements are stored; ``data`` are their bytes where they lie in one piece, unfiltered or not."""

    kind: int
    data: Region | None = None
    virtual_files: tuple[str, ...] = ()
    # Of a dataset of one dimension in chunks: the address of their tree, or the one chunk that is all of it.
    tree: int | None = None
    chunk: Region | None = None


def read_storage(file: Hdf5File, message: Message) -> Storage:
    """Read a data layout message."""
    cursor = message.cursor()
    version = cursor.number(1)
    if version < 3:
        return _old_storage(file, message, version)
    kind = cursor.number(1)
    if kind == _COMPACT:
        size = cursor.number(2)
        return Storage(kind, message.data.part(cursor.at, size))
    if kind == _CONTIGUOUS:
        address, size = file.address(cursor), file.length(cursor)
        return Storage(kind, None if address is None else file.data.part(address, size))
    if kind == _CHUNKED:
        return _chunked(file, message, version)
    if kind != _VIRTUAL:
        raise cursor.malformed(f"a dataset is stored in the unknown way {kind}")
    address, index = file.address(cursor), cursor.number(4)
    block = None if address is None else global_heap(file, address).get(index)
    return Storage(kind, virtual_files=() if block is None else _first_virtual_file(file, block))


def _chunked(file: Hdf5File, message: Message, version: int) -> Storage:
    """Layout messages of chunks: the numbers count a dimension more than the dataset has."""
    cursor = message.cursor()
    cursor.skip(2)
    if version == 3:
        rank, address = cursor.number(1), file.address(cursor)
        return Storage(_CHUNKED, tree=address if rank == 2 else None)
    flags, rank, width = cursor.number(1), cursor.number(1), cursor.number(1)
    size = 1
    for _ in range(rank):
        size *= cursor.number(width)
    if cursor.number(1) != _SINGLE_CHUNK or rank != 2:
        return Storage(_CHUNKED)
    if flags & _FILTERED:
        size = file.length(cursor)
        cursor.skip(4)
    address = file.address(cursor)
    return Storage(_CHUNKED, chunk=None if address is None else file.data.part(address, size))


def _old_storage(file: Hdf5File, message: Message, version: int) -> Storage:
    """Layout messages before version 3."""
    cursor = message.cursor()
    cursor.skip(1)
    rank, kind = cursor.number(1), cursor.number(1)
    cursor.skip(5)
    if not version or kind > _CHUNKED:
        raise cursor.malformed("a dataset is stored in an unknown way")
    address = None if kind == _COMPACT else file.address(cursor)
    size = 1
    for _ in range(rank):
        size *= cursor.number(4)
    if kind == _COMPACT:
        size = cursor.number(4)
        return Storage(kind, message.data.part(cursor.at, size))
    return Storage(kind, None if address is None or kind == _CHUNKED else file.data.part(address, size))


def _first_virtual_file(file: Hdf5File, block: Region) -> tuple[str, ...]:
    """Return the file that the first entry of a virtual dataset names: "." is this one."""
    start = 1 + file.length_bytes
    name = block.read_at(start, _NAME_BYTES).split(b"\0", 1)[0]
    return (name.decode("utf-8", "replace"),)


def filters(message: Message) -> Iterator[tuple[int, str]]:
    """Yield the number and the name of each filter of a filter pipeline message."""
    cursor = message.cursor()
    version, amount = cursor.number(1), cursor.number(1)
    if version == 1:
        cursor.skip(6)
    elif version != 2:
        raise cursor.malformed(f"a filter pipeline has the version {version}")
    for _ in range(min(amount, _MOST_FILTERS)):
        number = cursor.number(2)
        name_bytes = cursor.number(2) if version == 1 or number >= _NAMED_FILTER else 0
        cursor.skip(2)
        values = cursor.number(2)
        name = cursor.take(name_bytes + (-name_bytes % 8 if version == 1 else 0))
        cursor.skip(4 * values + (4 if version == 1 and values % 2 else 0))
        yield number, name.split(b"\0", 1)[0].decode("utf-8", "replace")


def external_files(file: Hdf5File, message: Message) -> Iterator[str]:
    """Yield the names of the files in which a dataset's elements lie."""
    cursor = message.cursor()
    cursor.skip(6)
    used = cursor.number(2)
    address = file.address(cursor)
    if address is None:
        return
    heap = local_heap(file, address)
    for _ in range(used):
        file.count.add()
        yield name_in(heap, file.length(cursor))
        cursor.skip(2 * file.length_bytes)
