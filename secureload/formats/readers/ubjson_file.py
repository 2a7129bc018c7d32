"""XGBoost's models in Universal Binary JSON: numbers and short texts, which nothing runs."""

from __future__ import annotations

from collections.abc import Iterator

from secureload.formats.hdf5.pickles import would_be_unpickled
from secureload.formats.item_count import ItemCount
from secureload.formats.reading import Child, Event, Identified, Observation, ReadContext
from secureload.formats.region import Region
from secureload.formats.ubjson import Text, texts
from secureload.formats.zeros import first_nonzero

__all__ = ["read"]

_BOOSTER = "learner"


def read(data: Region, context: ReadContext) -> Iterator[Event]:
    """Yield the texts that are pickles, and what follows the value."""
    if _BOOSTER.encode() in data.head(32):
        yield Identified(format="xgboost", loader="xgboost.Booster.load_model")
    end = data.size
    for found in texts(data, ItemCount(context.limits), context.limits):
        if not isinstance(found, Text):
            end = found
        elif would_be_unpickled(found.data):
            yield Child(name=f"{found.key}@{found.offset}", data=found.data, expect="pickle")
    tail = data.part(end, data.size)
    if first_nonzero(tail) >= 0:
        message = f"{tail.size:,} bytes follow the model"
        yield Observation(code="boosted.tail", message=message, detail=repr(tail.head(40)), offset=end)
        yield Child(name=f"tail@{end}", data=tail)
