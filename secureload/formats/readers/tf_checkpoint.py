"""The index of a TensorFlow checkpoint: a table that says where in the data files each variable lies.

It is data to its loader: names, shapes and positions. The numbers are in files beside it, ``….data-00000-of-00001``.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.formats.reading import Event, Problem, ReadContext
from secureload.formats.region import Region
from secureload.formats.tables import FOOTER_BYTES, TABLE_MAGIC, is_checkpoint_index

__all__ = ["read"]


def read(data: Region, context: ReadContext) -> Iterator[Event]:
    """Yield whether the table is whole."""
    del context
    if not is_checkpoint_index(data.head(64)):
        yield Problem(kind="malformed", message="this is no index of a checkpoint", offset=0)
    elif data.size < FOOTER_BYTES or data.read_at(data.size - len(TABLE_MAGIC), 8) != TABLE_MAGIC:
        yield Problem(kind="malformed", message="the index does not end as a table does", offset=data.size)
