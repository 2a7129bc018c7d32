"""Pickles of one kind are read once: what was read of one holds for those that differ from it in loose values alone.

See :mod:`secureload.pickles.template` for what may differ. Here it is kept what was read of the first, under how it
begins, and given for a later one with that one's offsets. Only a pickle about whose bytes nothing is odd is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from secureload.formats.detect import HEAD_BYTES, Detected, detect
from secureload.formats.other_readings import other_readings
from secureload.formats.region import Region
from secureload.limits import Limits
from secureload.pickles.codec import offset_places
from secureload.pickles.template import Template, beginning
from secureload.pickles.trace import Trace
from secureload.scan.part import Part
from secureload.scan.part_codec import EncodedParts
from secureload.values import dataclass

__all__ = ["Alike"]

# Of pickles that begin alike; and that have one shape and differ in more than loose values, as two vocabularies do.
_MOST_VARIANTS: Final = 24
_MOST_OF_SHAPE: Final = 3
_HEAD_BYTES: Final = 128


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of one pickle; ``places`` are the offsets among its numbers, and how many spans are before each."""

    template: Template
    detected: Detected
    encoded: EncodedParts
    places: tuple[tuple[int, int], ...]


class Alike:
    """The pickles that one worker has read; for one thread."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: dict[bytes, list[_Known]] = {}
        self._shapes: dict[bytes, int] = {}
        self._count = 0

    def find(self, data: Region, name: str) -> EncodedParts | None:
        """Return the encoded parts of ``data``, an artifact called ``name``, if one of its kind was read before."""
        if data.size > min(self._limits.template_bytes, self._limits.walker_slow_bytes):
            return None
        variants = self._known.get(beginning(data.head(_HEAD_BYTES)))
        if variants is None:
            return None
        whole = data.head(data.size)
        for known in reversed(variants):
            moved = known.template.moved(whole)
            if moved is None:
                continue
            if detect(whole[:HEAD_BYTES], len(whole), name) != known.detected:
                return None
            if any(other_readings(data, known.detected.format)):
                return None  # an archive among its bytes, to who reads it from its end
            numbers = list(known.encoded.numbers)
            for place, spans in known.places:
                numbers[place] += moved[spans]
            return EncodedParts(known.encoded.shape, tuple(numbers))
        return None

    def keep(self, data: Region, name: str, parts: Sequence[Part], encoded: EncodedParts) -> None:
        """Keep what was read of ``data``, if it is of a kind that can have others like it."""
        trace = _plain_trace(parts)
        if trace is None or data.size > self._limits.template_bytes:
            return
        key = beginning(data.head(_HEAD_BYTES))
        variants = self._known.get(key, [])
        of_shape = self._shapes.get(encoded.shape, 0)
        if (
            len(variants) >= _MOST_VARIANTS
            or of_shape >= _MOST_OF_SHAPE
            or self._count >= self._limits.templates_kept_items
        ):
            return
        self._shapes[encoded.shape] = of_shape + 1
        whole = data.head(data.size)
        template = Template.of(whole, trace.sections)
        if template is None:
            return
        # The part's own sizes stand before what is its trace's.
        wanted = [0, 1, *(2 + place for place in offset_places(trace))]
        places = [place for place in wanted if encoded.numbers[place] >= 0]
        if any(template.is_loose(encoded.numbers[place]) for place in places):
            return
        known = _Known(
            template,
            detect(whole[:HEAD_BYTES], len(whole), name),
            encoded,
            tuple((place, template.span_before(encoded.numbers[place])) for place in places),
        )
        self._known[key] = [*variants, known]
        self._count += 1


def _plain_trace(parts: Sequence[Part]) -> Trace | None:
    """Return the trace of an artifact that is one pickle, read to its end, and has nothing odd; else None."""
    if len(parts) != 1:
        return None
    part, trace = parts[0], parts[0].trace
    if trace is None or part.format != "pickle" or part.compression is not None:
        return None
    if trace.reading not in ("pickle", "joblib"):
        return None
    odd = (part.observations, part.problems, part.data_members, trace.problems, trace.side_files, trace.nested,
           trace.other_imports, trace.other_operations, trace.disagreements, trace.anomalies)  # fmt: skip
    if any(odd) or trace.bytes_total != part.bytes_total or trace.bytes_examined != trace.bytes_total:
        return None
    return trace
