"""What joblib steps over in a stream of opcodes, and whether pickle would read on there."""

from __future__ import annotations

from collections.abc import Sequence

from secureload.errors import SecureloadError
from secureload.pickles.opcodes import OPCODES
from secureload.pickles.source import ByteSource
from secureload.pickles.trace import Section, Trace

__all__ = ["pickle_reads_on", "stretches"]


def stretches(sections: Sequence[Section], begin: int = 0) -> list[Section]:
    """Return the arrays, and the pickles that stand inside of others, in order and none inside of another array.

    The stream begins at the offset ``begin``.
    """
    found: list[Section] = []
    outer_end = position = begin
    for section in sorted(sections, key=lambda section: (section.start, -section.end)):
        if section.kind == "pickle" and section.start >= outer_end:
            outer_end = section.end
        elif section.kind != "trailing" and section.start >= position and section.start < section.end:
            found.append(section)
            position = section.end if section.kind == "array" else section.start + 1
    return found


def pickle_reads_on(trace: Trace, source: ByteSource) -> bool:
    """Whether ``pickle.load`` would do anything that ``trace``, a joblib reading, does not show.

    Up to the first thing that joblib steps over, both do the same. There joblib writes the length of a padding,
    a byte that is no opcode, and an unpickler fails at it. ``source`` is the stream from its beginning.
    """
    found = stretches(trace.sections)
    if not found:
        return False
    left = found[0].start
    try:
        while left and (skipped := source.skip(left)):
            left -= skipped
        head = source.head(1)
    except SecureloadError:
        return True
    return bool(left) or (bool(head) and head[0] in OPCODES)
