"""Object headers: the messages that describe a group or a dataset."""

from __future__ import annotations

from collections.abc import Iterator

from secureload.formats.binary import BinaryCursor
from secureload.formats.hdf5.file import Hdf5File
from secureload.formats.region import Region
from secureload.values import dataclass

__all__ = [
    "ATTRIBUTE", "ATTRIBUTE_INFO", "DATASPACE", "DATATYPE", "DRIVER", "EXTERNAL_FILES", "FILTERS", "KNOWN", "LAYOUT",
    "LINK", "LINK_INFO", "SYMBOL_TABLE", "Message", "messages",
]  # fmt: skip

NIL, DATASPACE, LINK_INFO, DATATYPE, LINK, EXTERNAL_FILES, LAYOUT = 0, 1, 2, 3, 6, 7, 8
FILTERS, ATTRIBUTE, CONTINUATION, SYMBOL_TABLE, DRIVER, ATTRIBUTE_INFO = 11, 12, 16, 17, 20, 21
KNOWN = frozenset(range(24))
_SHARED = 2
_MOST_BLOCKS = 10_000


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its type, its bytes, and where they stand. A shared one only refers to another object."""

    type: int
    data: Region
    offset: int
    shared: bool

    def cursor(self) -> BinaryCursor:
        """Return a cursor at the beginning of its bytes."""
        return BinaryCursor(self.data, "HDF5")


def messages(file: Hdf5File, address: int) -> Iterator[Message]:
    """Yield the messages of the object at ``address``, those of its continuations too."""
    cursor = file.at(address)
    if file.data.read_at(address, 4) == b"OHDR":
        yield from _second(file, cursor)
    else:
        yield from _first(file, cursor)


def _first(file: Hdf5File, cursor: BinaryCursor) -> Iterator[Message]:
    """Version 1: a count of messages, each 8 bytes of header and its bytes."""
    if cursor.number(1) != 1:
        cursor.at -= 1
        raise cursor.malformed("an object header is expected here")
    cursor.skip(1 + 2 + 4)
    size = cursor.number(4)
    cursor.skip(4)
    blocks = [(cursor.at, size)]
    for _ in range(_MOST_BLOCKS):
        if not blocks:
            return
        start, size = blocks.pop()
        cursor.at = start
        cursor.need(size)
        end = start + size
        while cursor.at + 8 <= end:
            kind, length, flags = cursor.number(2), cursor.number(2), cursor.number(1)
            cursor.skip(3)
            if length > end - cursor.at:
                raise cursor.malformed("a message does not end in its block")
            yield from _message(file, cursor, kind, length, flags, blocks)
    raise cursor.malformed("an object header goes on without end")


def _second(file: Hdf5File, cursor: BinaryCursor) -> Iterator[Message]:
    """Version 2: blocks with a signature and a checksum."""
    cursor.skip(4)
    if (version := cursor.number(1)) != 2:
        raise cursor.malformed(f"an object header has the version {version}")
    flags = cursor.number(1)
    cursor.skip((16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0))
    size = cursor.number(1 << (flags & 3))
    blocks = [(cursor.at, size)]
    header = 4 + (2 if flags & 4 else 0)
    for number in range(_MOST_BLOCKS):
        if not blocks:
            return
        start, size = blocks.pop()
        cursor.at = start
        if number:
            file.expect(cursor, b"OCHK")
            size -= 8  # the signature and the checksum
        cursor.need(size)
        end = cursor.at + size
        while cursor.at + header <= end:
            kind, length, bits = cursor.number(1), cursor.number(2), cursor.number(1)
            cursor.skip(header - 4)
            if length > end - cursor.at:
                raise cursor.malformed("a message does not end in its block")
            yield from _message(file, cursor, kind, length, bits, blocks)
    raise cursor.malformed("an object header goes on without end")


def _message(
    file: Hdf5File, cursor: BinaryCursor, kind: int, length: int, flags: int, blocks: list[tuple[int, int]]
) -> Iterator[Message]:
    """Yield one message, or note the block that it continues in; step over its bytes."""
    file.count.add()
    start = cursor.at
    if kind == CONTINUATION:
        address = file.address(cursor)
        if address is not None:
            blocks.append((address, file.length(cursor)))
    elif kind != NIL:
        yield Message(kind, file.data.part(start, length), start, bool(flags & _SHARED))
    cursor.at = start + length
