"""The opcodes around the findings of an artifact, found again member by member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from secureload.errors import SecureloadError
from secureload.formats.reading import Opener
from secureload.formats.region import Region
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.excerpt import excerpts
from secureload.pickles.trace import Trace
from secureload.scan.survey import survey

__all__ = ["explained"]


def explained(
    data: Region, name: str, wanted: Mapping[str, Sequence[int]], limits: Limits = DEFAULT_LIMITS
) -> dict[str, dict[int, tuple[str, ...]]]:
    """Return for each path of a member the opcodes around the wanted offsets in it, a line each.

    A member or an offset that is not found is left out.
    """
    found: dict[str, dict[int, tuple[str, ...]]] = {}

    def traced(path: str, opened: Opener, trace: Trace) -> None:
        offsets = wanted.get(path)
        if not offsets or path in found:
            return
        gaps = sorted((section.start, section.end) for section in trace.sections if section.kind == "array")
        try:
            found[path] = excerpts(opened(), offsets, gaps=gaps, limits=limits)
        except (SecureloadError, ValueError):
            found[path] = {}  # it is only shown less of it

    survey(data, name, limits, traced)
    return found
