"""The superblock of an HDF5 file: where its addresses begin, how wide they are, where the root group is."""

from __future__ import annotations

from secureload.errors import MalformedError
from secureload.formats.binary import BinaryCursor
from secureload.formats.hdf5.signature import SIGNATURE
from secureload.formats.item_count import ItemCount
from secureload.formats.region import Region
from secureload.limits import Limits
from secureload.values import dataclass, field

__all__ = ["Hdf5File", "open_file"]

_WIDTHS = (2, 4, 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hdf5File:
    """An open file. ``data`` begins at its address 0; widths are in bytes; ``root`` and ``end`` are addresses.

    ``driver`` tells that a driver is asked for that keeps the file in several ones; ``extension`` is the address of
    the superblock's own header, None where it has none.
    """

    data: Region
    version: int
    address_bytes: int
    length_bytes: int
    root: int
    end: int
    driver: bool
    extension: int | None
    count: ItemCount
    # Objects of global heaps that were read already, by address and number.
    collections: dict[int, dict[int, Region]] = field(default_factory=dict)

    def at(self, address: int) -> BinaryCursor:
        """Return a cursor at ``address``; raises :class:`MalformedError` for one that lies outside."""
        if not 0 <= address < self.data.size:
            raise MalformedError(
                f"this is no whole HDF5 file: the address {address:,} lies outside",
                hint="get the file again from its sender",
                format="HDF5",
                offset=min(max(address, 0), self.data.size),
            )
        return BinaryCursor(self.data, "HDF5", at=address)

    def address(self, cursor: BinaryCursor) -> int | None:
        """Read an address; None where it is the undefined one."""
        value = cursor.number(self.address_bytes)
        return None if value == (1 << 8 * self.address_bytes) - 1 else value

    def length(self, cursor: BinaryCursor) -> int:
        """Read a length."""
        return cursor.number(self.length_bytes)

    def expect(self, cursor: BinaryCursor, signature: bytes) -> None:
        """Read a signature; raises :class:`MalformedError` where another one stands there."""
        if cursor.take(len(signature)) != signature:
            cursor.at -= len(signature)
            raise cursor.malformed(f"{signature.decode()} is expected here")


def open_file(data: Region, start: int, limits: Limits) -> Hdf5File:
    """Read the superblock at ``start``; the addresses of the file count from there."""
    inside = data.part(start, data.size)
    cursor = BinaryCursor(inside, "HDF5", at=len(SIGNATURE))
    version = cursor.number(1)
    if version > 3:
        raise cursor.malformed(f"its superblock has the version {version}")
    if version < 2:
        cursor.skip(4)
        widths = cursor.number(1), cursor.number(1)
        cursor.skip(1 + 4 + 4 + (4 if version else 0))
    else:
        widths = cursor.number(1), cursor.number(1)
        cursor.skip(1)
    if widths[0] not in _WIDTHS or widths[1] not in _WIDTHS:
        raise cursor.malformed(f"its addresses have {widths[0]} and its lengths {widths[1]} bytes")
    width = widths[0]
    undefined = (1 << 8 * width) - 1
    # The library goes by where the signature stands, and takes the base only from the end of the file.
    base = cursor.number(width)
    second = cursor.number(width)  # the free space, or the extension
    end = max(cursor.number(width) - base, 0)
    driver = version < 2 and cursor.number(width) != undefined
    if version < 2:
        cursor.skip(width)  # the name of the root group
    return Hdf5File(
        data=inside,
        version=version,
        address_bytes=width,
        length_bytes=widths[1],
        root=cursor.number(width),
        end=end,
        driver=driver,
        extension=None if version < 2 or second == undefined else second,
        count=ItemCount(limits),
    )
