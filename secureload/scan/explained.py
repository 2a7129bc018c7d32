"""The opcodes around the findings of an artifact, found again member by member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from secureload.errors import SecureloadError
from secureload.formats.reading import Opener
from secureload.formats.region import Region
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.listing import listing
from secureload.pickles.trace import Trace
from secureload.scan.survey import survey

__all__ = ["explained"]


def explained(
    data: Region, name: str, wanted: Mapping[str, Sequence[int]], limits: Limits = DEFAULT_LIMITS
) -> dict[str, dict[int, tuple[str, ...]]]:
    """Return for each path of a member the opcodes around the wanted offsets in it, a line each.

    A member or an offset that is not found, or beyond the limit ``explained_bytes``, is left out.
    """
    found: dict[str, dict[int, tuple[str, ...]]] = {}
    left = limits.explained_bytes

    def traced(path: str, opened: Opener, trace: Trace) -> None:
        nonlocal left
        offsets = wanted.get(path)
        if not offsets or path in found:
            return
        lines = found[path] = {}
        for offset in sorted(offsets):
            left -= offset
            if left < 0:
                return
            try:
                lines[offset] = tuple(listing(opened(), offset, sections=trace.sections))
            except SecureloadError:
                return  # nothing is decided by it: less is shown

    survey(data, name, limits, traced)
    return found
