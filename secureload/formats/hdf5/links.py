"""Links: what a group contains, in this file, under another name, or in another file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from secureload.formats.binary import BinaryCursor
from secureload.formats.hdf5.file import Hdf5File
from secureload.formats.hdf5.headers import LINK, LINK_INFO, SYMBOL_TABLE, Message
from secureload.formats.hdf5.heaps import local_heap, name_in, open_fractal_heap
from secureload.formats.hdf5.trees import group_nodes, records
from secureload.formats.region import Region
from secureload.values import dataclass

__all__ = ["Link", "links"]

# A record of the index of links by name (type 5): a hash, then the heap id.
_HASH_BYTES, _HEAP_ID_BYTES = 4, 7
_HARD, _SOFT, _EXTERNAL = 0, 1, 64
_SOFT_CACHE = 2


@dataclass(frozen=True, slots=True)
class Link:
    """One link: a hard one has an address, a soft one a path in this file, an external one a file and a path.

    "user" is one whose meaning a program defines.
    """

    name: str
    kind: Literal["hard", "soft", "external", "user"]
    address: int = -1
    file: str = ""
    path: str = ""


def links(file: Hdf5File, message: Message) -> Iterator[Link]:
    """Yield the links that a message of a group's header holds or leads to."""
    cursor = message.cursor()
    if message.type == LINK:
        yield _link(file, message.data)
    elif message.type == SYMBOL_TABLE:
        yield from _old_links(file, file.address(cursor), file.address(cursor))
    elif message.type == LINK_INFO:
        cursor.skip(1)
        cursor.skip(8 if cursor.number(1) & 1 else 0)
        heap_address, index = file.address(cursor), file.address(cursor)
        if heap_address is None or index is None:
            return
        heap = open_fractal_heap(file, heap_address)
        for record in records(file, index):
            yield _link(file, heap.get(record[_HASH_BYTES : _HASH_BYTES + _HEAP_ID_BYTES]))


def _old_links(file: Hdf5File, tree: int | None, heap_address: int | None) -> Iterator[Link]:
    """Groups as they are written by default: names in a local heap, in the nodes of a tree."""
    if tree is None or heap_address is None:
        return
    heap = local_heap(file, heap_address)
    for node in group_nodes(file, tree):
        cursor = file.at(node)
        cursor.skip(6)
        for _ in range(cursor.number(2)):
            file.count.add()
            name = name_in(heap, cursor.number(file.address_bytes))
            address = file.address(cursor)
            cached = cursor.number(4)
            cursor.skip(4)
            scratch = cursor.take(16)
            if cached == _SOFT_CACHE:
                yield Link(name, "soft", path=name_in(heap, int.from_bytes(scratch[:4], "little")))
            elif address is not None:
                yield Link(name, "hard", address=address)


def _link(file: Hdf5File, data: Region) -> Link:
    cursor = BinaryCursor(data, "HDF5")
    cursor.skip(1)
    flags = cursor.number(1)
    kind = cursor.number(1) if flags & 8 else _HARD
    cursor.skip((8 if flags & 4 else 0) + (1 if flags & 16 else 0))
    name = _text(cursor.take(cursor.number(1 << (flags & 3))))
    if kind == _HARD:
        address = file.address(cursor)
        return Link(name, "hard", address=-1 if address is None else address)
    value = cursor.take(cursor.number(2))
    if kind == _SOFT:
        return Link(name, "soft", path=_text(value))
    if kind == _EXTERNAL:
        target, _, path = value[1:].partition(b"\0")
        return Link(name, "external", file=_text(target), path=_text(path.rstrip(b"\0")))
    return Link(name, "user", path=_text(value))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
