"""Where an HDF5 file begins: at the start, or behind a user block."""

from __future__ import annotations

from typing import Final

from secureload.formats.region import Region

__all__ = ["SIGNATURE", "find_superblock"]

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
# It stands at 0, 512, 1,024 and so on, doubled; nobody writes user blocks of gigabytes.
_USER_BLOCKS: Final = (0, *(512 << step for step in range(20)))


def find_superblock(data: Region) -> int:
    """Return where the signature stands, -1 where it does not."""
    for start in _USER_BLOCKS:
        if start >= data.size:
            break
        if data.read_at(start, len(SIGNATURE)) == SIGNATURE:
            return start
    return -1
