"""Datatypes and dataspaces: of what kind the elements are, how long each is, and how many there are."""

from __future__ import annotations

from typing import Final

from secureload.formats.binary import BinaryCursor
from secureload.formats.hdf5.file import Hdf5File
from secureload.values import dataclass

__all__ = ["OPAQUE", "STRING", "VARIABLE", "Datatype", "read_dataspace", "read_datatype"]

STRING: Final = 3
OPAQUE: Final = 5
VARIABLE: Final = 9
_LARGEST = 1 << 62


@dataclass(frozen=True, slots=True)
class Datatype:
    """The class of a datatype, and the size of an element in bytes."""

    kind: int
    size: int

    @property
    def is_bytes(self) -> bool:
        """Whether elements are strings, opaque, single bytes, or of variable length."""
        return self.kind in (STRING, OPAQUE, VARIABLE) or self.size == 1


def read_datatype(cursor: BinaryCursor) -> Datatype:
    """Read the head of a datatype; what it is made of is not needed here."""
    kind = cursor.number(1) & 15
    cursor.skip(3)
    return Datatype(kind, cursor.number(4))


def read_dataspace(file: Hdf5File, cursor: BinaryCursor) -> int:
    """Return how many elements there are."""
    version, rank = cursor.number(1), cursor.number(1)
    cursor.skip(1)
    if version == 1:
        cursor.skip(5)
    elif version == 2:
        if cursor.number(1) == 2:
            return 0  # the null dataspace
    else:
        raise cursor.malformed(f"a dataspace has the version {version}")
    elements = 1
    for _ in range(rank):
        elements *= file.length(cursor)
        if elements > _LARGEST:
            raise cursor.malformed("a dataspace has more elements than can be")
    return elements
