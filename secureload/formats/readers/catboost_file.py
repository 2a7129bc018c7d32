"""CatBoost's own format: a mark, a length, a FlatBuffer with trees and texts, and parts that it names.

Source: catboost/libs/model/flatbuffers/model.fbs. Nothing in it is code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from secureload.formats.flatbuffer import root_table
from secureload.formats.item_count import ItemCount
from secureload.formats.reading import Child, Event, Observation, Problem, ReadContext, Versions
from secureload.formats.region import Region

__all__ = ["read"]

_MARK = b"CBM1"
_HEADER_BYTES = 8
_INFO, _PARTS = 2, 3  # TModelCore.InfoMap, .ModelPartIds
_KEY, _VALUE = 0, 1
_VERSION = re.compile(r"(\d{1,4}\.\d{1,4}\.\d{1,4})")
_VERSION_KEY = "catboost_version_info"


def read(data: Region, context: ReadContext) -> Iterator[Event]:
    """Yield the version, and what follows the model without belonging to it."""
    size = int.from_bytes(data.read_at(len(_MARK), 4), "little")
    if data.head(len(_MARK)) != _MARK or size > data.size - _HEADER_BYTES:
        yield Problem(kind="malformed", message="the model does not end in the file", offset=0)
        return
    core = root_table(data.part(_HEADER_BYTES, size))
    for entry in core.tables(_INFO, ItemCount(context.limits)):
        if entry.text(_KEY) == _VERSION_KEY and (found := _VERSION.search(entry.text(_VALUE))):
            yield Versions(library="catboost", version=found[1])
    end = _HEADER_BYTES + size
    if data.size > end and not core.length(_PARTS):
        tail = data.part(end, data.size)
        message = f"{tail.size:,} bytes follow the model, which names no further parts"
        yield Observation(code="boosted.tail", message=message, detail=repr(tail.head(40)), offset=end)
        yield Child(name=f"tail@{end}", data=tail)
