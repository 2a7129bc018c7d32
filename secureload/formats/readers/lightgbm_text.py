"""LightGBM's models: lines of text with names and numbers, which nothing runs."""

from __future__ import annotations

from collections.abc import Iterator

from secureload.formats.reading import Event, Identified, Observation, ReadContext
from secureload.formats.region import Region

__all__ = ["read"]

# What follows the last tree, in versions before 2.3 too.
_ENDS = (b"\nend of trees", b"\nfeature importances", b"\nfeature_importances")


def read(data: Region, context: ReadContext) -> Iterator[Event]:
    """Yield whether all of it is text."""
    del context
    yield Identified(format="lightgbm", loader="lightgbm.Booster")
    nul = data.find(b"\0")
    if nul >= 0:
        message = "something else than text stands in the model"
        yield Observation(
            code="boosted.not-text", message=message, detail=repr(data.read_at(nul, 40)), offset=nul
        )
    elif all(data.find(end) < 0 for end in _ENDS):
        yield Observation(
            code="boosted.cut-off", message="the model has no end of its trees", offset=data.size
        )
