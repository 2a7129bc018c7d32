"""Attributes: small named values of a group or dataset, in its header or in a heap beside it."""

from __future__ import annotations

from collections.abc import Iterator

from secureload.formats.binary import BinaryCursor
from secureload.formats.hdf5.datatypes import VARIABLE, Datatype, read_dataspace, read_datatype
from secureload.formats.hdf5.file import Hdf5File
from secureload.formats.hdf5.headers import ATTRIBUTE_INFO, Message
from secureload.formats.hdf5.heaps import global_heap, open_fractal_heap
from secureload.formats.hdf5.trees import records
from secureload.formats.region import Region
from secureload.values import dataclass

__all__ = ["Attribute", "dense_attributes", "read_attribute", "values_of"]

# A record of the index by name (type 8) begins with the heap id.
_HEAP_ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute. ``type`` is None where it is one that several objects share; ``offset`` is of its message."""

    name: str
    type: Datatype | None
    elements: int
    data: Region
    offset: int


def read_attribute(file: Hdf5File, data: Region, offset: int) -> Attribute:
    """Read the attribute message ``data``."""
    cursor = BinaryCursor(data, "HDF5")
    version, flags = cursor.number(1), cursor.number(1)
    if not 1 <= version <= 3:
        raise cursor.malformed(f"an attribute has the version {version}")
    name_bytes, type_bytes, space_bytes = cursor.number(2), cursor.number(2), cursor.number(2)
    cursor.skip(1 if version == 3 else 0)
    step = 8 if version == 1 else 1
    name = cursor.take(name_bytes).split(b"\0", 1)[0].decode("utf-8", "replace")
    cursor.skip(-name_bytes % step)
    start = cursor.at
    cursor.need(type_bytes)
    kind = (
        None
        if flags & 1 and version > 1
        else read_datatype(BinaryCursor(data.part(start, type_bytes), "HDF5"))
    )
    cursor.skip(type_bytes + -type_bytes % step)
    start = cursor.at
    cursor.need(space_bytes)
    elements = read_dataspace(file, BinaryCursor(data.part(start, space_bytes), "HDF5"))
    cursor.skip(space_bytes + -space_bytes % step)
    return Attribute(name, kind, elements, data.part(cursor.at, data.size), offset)


def dense_attributes(file: Hdf5File, message: Message) -> Iterator[Attribute]:
    """Yield the attributes that an attribute info message keeps in a heap."""
    assert message.type == ATTRIBUTE_INFO  # noqa: S101  # the caller looked
    cursor = message.cursor()
    cursor.skip(1)
    cursor.skip(2 if cursor.number(1) & 1 else 0)
    heap_address, index = file.address(cursor), file.address(cursor)
    if heap_address is None or index is None:
        return
    heap = open_fractal_heap(file, heap_address)
    for record in records(file, index):
        yield read_attribute(file, heap.get(record[:_HEAP_ID_BYTES]), message.offset)


def values_of(file: Hdf5File, attribute: Attribute, most: int) -> Iterator[Region]:
    """Yield the bytes of the elements of an attribute, ``most`` at the most; those in the global heap too."""
    kind = attribute.type
    if kind is None or not kind.size:
        return
    for number in range(min(attribute.elements, most, attribute.data.size // kind.size)):
        element = attribute.data.part(number * kind.size, kind.size)
        if kind.kind != VARIABLE:
            yield element
        elif (found := _variable(file, element)) is not None:
            yield found


def _variable(file: Hdf5File, element: Region) -> Region | None:
    """Return the bytes of an element of variable length: its length, the heap's address and a number there."""
    cursor = BinaryCursor(element, "HDF5")
    length = cursor.number(4)
    address = file.address(cursor)
    number = cursor.number(4)
    if not length or not address:
        return None
    # The length counts elements; all bytes are given, for what they are made of is not read.
    return global_heap(file, address).get(number)
