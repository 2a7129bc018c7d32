"""What else a file is to programs that do not look at its first bytes, or look at more of them than its own do.

``zipfile`` (and so ``pandas.read_pickle``, skops and Keras) finds an archive from its end, h5py a file behind a user
block, and ``tarfile`` (and so ``torch.load``) takes what has the checksum of a header, whatever it begins with. A
pickle, or an array, can hold all of these among its data.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.formats.catalog import READERS, FormatName
from secureload.formats.hdf5.signature import find_superblock
from secureload.formats.region import Region
from secureload.formats.tar_header import BLOCK_BYTES, has_checksum
from secureload.formats.zip_directory import lists_members

__all__ = ["other_readings"]


def other_readings(data: Region, found: FormatName) -> Iterator[FormatName]:
    """Yield the formats, each with a reader, that ``data`` has besides ``found``, the one that its head shows."""
    if READERS.get(found) != READERS["zip"] and lists_members(data):
        yield "zip"
    if found != "hdf5" and find_superblock(data) >= 0:
        yield "hdf5"
    if found != "tar" and has_checksum(data.head(BLOCK_BYTES)):
        yield "tar"
