"""Which values of an HDF5 file PyTables and pandas would unpickle, or a program that stored pickles in them."""

from __future__ import annotations

from secureload.formats.pickle_start import may_be_pickle
from secureload.formats.region import Region

__all__ = ["would_be_unpickled"]

_HEAD_BYTES = 4096
_HIGHEST_PROTOCOL = 5
_LOOKED_AT_BYTES = 1 << 20
# STACK_GLOBAL and EXT1, EXT2, EXT4: with GLOBAL and INST the only opcodes that name something to call.
_NAMING = frozenset(b"\x93\x82\x83\x84")


def would_be_unpickled(value: Region) -> bool:
    """Whether ``value`` is a pickle that can do something.

    PyTables tries to unpickle every attribute of more than two bytes that ends in a full stop. A sentence
    does too: but without two ends of lines, and without one of four bytes, there is no global in it.
    """
    end = value.size
    while end and value.read_at(end - 1, 1) == b"\0":
        end -= 1  # strings of a fixed length are padded
        if value.size - end > _HEAD_BYTES:
            return False
    if end < 3 or value.read_at(end - 1, 1) != b".":
        return False
    head = value.head(_HEAD_BYTES)
    if head[0] == 0x80 and 1 < head[1] <= _HIGHEST_PROTOCOL:
        return True
    if not may_be_pickle(head, end):
        return False
    looked_at = value.head(_LOOKED_AT_BYTES)
    return looked_at.count(b"\n") > 1 or not _NAMING.isdisjoint(looked_at) or end > _LOOKED_AT_BYTES
