"""Sorted tables of names and values, as LevelDB and TensorFlow's checkpoints write them: their marks."""

from __future__ import annotations

from typing import Final

__all__ = ["FOOTER_BYTES", "TABLE_MAGIC", "is_checkpoint_index"]

# table_format.txt of LevelDB: the footer is 48 bytes long and ends in this number.
FOOTER_BYTES: Final = 48
TABLE_MAGIC: Final = (0xDB4775248B80FB57).to_bytes(8, "little")
# The first entry of a checkpoint's index has an empty key; its value is a BundleHeaderProto, which says how many
# files there are (field 1) and that the version of the format is 1 (field 3).
_SHARDS, _VERSION = b"\x08", b"\x1a\x02\x08\x01"
_HEADER_BYTES = 24


def is_checkpoint_index(head: bytes) -> bool:
    """Whether ``head`` is the beginning of the index of a TensorFlow checkpoint."""
    return head[:2] == b"\0\0" and head[3:4] == _SHARDS and _VERSION in head[3:_HEADER_BYTES]
