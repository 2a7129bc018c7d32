"""The third opinion on a payload's own bytes: what fickling sees imported that the trace does not have.

It is asked where something was found already, for what it costs: its own walk over the opcodes takes a hundred times
as long as ours. A pickle that only fickling sees import something is read differently by different programs.
"""

from __future__ import annotations

from collections.abc import Sequence

from secureload.artifact.artifact import Artifact
from secureload.formats.reading import Observation
from secureload.limits import Limits
from secureload.pickles.names import effective_name
from secureload.pickles.trace import GlobalRef, Trace
from secureload.sandbox.opinions import Opinions, ThirdReading
from secureload.scan.part import Part
from secureload.values import replace

__all__ = ["with_third_reading"]


def with_third_reading(
    artifact: Artifact, parts: Sequence[Part], opinions: Opinions, limits: Limits
) -> tuple[Part, ...]:
    """Return ``parts``, the first with what fickling says of the artifact's own bytes, where it can read them."""
    root = parts[0]
    trace = root.trace
    if (
        trace is None
        or root.format != "pickle"
        or root.compression is not None
        or trace.reading != "pickle"
        or artifact.size > limits.fickling_original_bytes
    ):
        return tuple(parts)
    third = opinions.of_original(artifact.fileno(), artifact.size)
    observations = _compared(trace, third)
    return (replace(root, observations=(*root.observations, *observations)), *parts[1:])


def _compared(trace: Trace, third: ThirdReading) -> list[Observation]:
    if third.failure:
        message = f"fickling cannot read these bytes: {third.failure}"
        return [Observation(code="fickling.unreadable", message=message)]
    seen = {item.ref for item in (*trace.imports, *trace.other_imports)}
    return [
        Observation(
            code="fickling.other-import",
            message=f"fickling sees an import of {ref.module}.{ref.name} that the trace does not have",
        )
        for ref in third.imports
        if ref not in seen and GlobalRef(*effective_name(ref.module, ref.name, 0)) not in seen
    ]
