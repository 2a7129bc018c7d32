"""Examine one artifact after another: what was decided about a shape is not decided again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

from secureload.api.libraries import installed_versions
from secureload.api.side_files import with_side_files
from secureload.api.third_reader import with_third_reading
from secureload.artifact.artifact import Artifact
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.sandbox.opinions import Opinions
from secureload.sandbox.proof import Confinement
from secureload.sandbox.terms import STRICT, Terms
from secureload.sandbox.tracing import Excerpts, Tracer
from secureload.scan.allowlist import AllowList
from secureload.scan.examine import examine
from secureload.scan.finding import Examination
from secureload.scan.part import Part
from secureload.values import replace

__all__ = ["Examiner", "Judgements"]


class Judgements:
    """The shapes about which there is nothing to say, as one allow-list has it; for several threads at once."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._most = limits.shapes_kept_items
        self._silent: dict[bytes, Examination] = {}

    def get(self, shape: bytes) -> Examination | None:
        """Return the examination that all artifacts of this shape have in common, if it is known."""
        return self._silent.get(shape)

    def keep(self, shape: bytes, examination: Examination) -> None:
        """Remember it, if there is room."""
        if len(self._silent) < self._most:
            self._silent[shape] = examination


class Examiner:
    """Examines open files by one allow-list, in workers that they share; not for several threads at once.

    A thousand models of thirty kinds have thirty shapes: each is decoded, judged and shown to fickling once. A
    shape about which there is nothing to say has nothing to say in any model; one with findings is examined anew
    for each file, because findings have offsets. ``judgements`` are of the same allow-list. ``terms`` say what
    confinement of the tracers will do; ``tracer`` is one that was begun before, and ends with this. Who examines
    one file says that it is ``alone``: it is judged as it is, and not what others of its shape would have in common.
    """

    def __init__(
        self,
        allow: AllowList,
        limits: Limits = DEFAULT_LIMITS,
        *,
        judgements: Judgements | None = None,
        opinions: Opinions | None = None,
        terms: Terms = STRICT,
        tracer: Tracer | None = None,
        alone: bool = False,
    ) -> None:
        self._allow = allow
        self._limits = limits
        self._opinions = Opinions(limits) if opinions is None else opinions
        self._owns_opinions = opinions is None
        self._tracer = Tracer(limits, self._opinions, terms) if tracer is None else tracer
        self._judgements = Judgements(limits) if judgements is None else judgements
        self._alone = alone

    @property
    def confinement(self) -> Confinement | None:
        """What was enforced around the tracer that was asked last; None before the first."""
        return self._tracer.confinement

    def examine(self, artifact: Artifact) -> Examination:
        """Survey and examine an open file, and the files beside it that it names.

        Raises:
            SandboxError: the sandbox cannot be had.
        """
        traced = self._tracer.trace(artifact.fileno(), artifact.size, artifact.name)
        if self._alone:
            found = self._judged(traced.parts)
            silent = not found.findings and found.coverage.complete
            return found if silent else self._judged_with_more(artifact, traced.parts)
        known = self._judgements.get(traced.shape)
        if known is None:
            known = self._judged(traced.common)
            if known.findings or not known.coverage.complete:
                return self._judged_with_more(artifact, traced.parts)
            self._judgements.keep(traced.shape, known)
        coverage = replace(
            known.coverage, bytes_total=traced.bytes_total, bytes_examined=traced.bytes_examined
        )
        return replace(known, coverage=coverage, parts=_PartsOnDemand(lambda: traced.parts))

    def explain(self, artifact: Artifact, examination: Examination) -> Excerpts:
        """Return the opcodes around the findings in an open file, by member and offset, as far as they are found."""
        wanted: dict[str, list[int]] = {}
        for finding in examination.findings[: self._limits.explained_findings]:
            if finding.location.offset >= 0:
                wanted.setdefault(finding.location.member, []).append(finding.location.offset)
        if not wanted:
            return {}
        return self._tracer.explain(artifact.fileno(), artifact.size, artifact.name, wanted)

    def close(self) -> None:
        """End the workers."""
        self._tracer.close()
        if self._owns_opinions:
            self._opinions.close()

    def __enter__(self) -> Examiner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _survey(self, artifact: Artifact) -> tuple[Part, ...]:
        return self._tracer.trace(artifact.fileno(), artifact.size, artifact.name).parts

    def _judged_with_more(self, artifact: Artifact, parts: tuple[Part, ...]) -> Examination:
        parts = with_side_files(artifact, parts, self._survey, self._limits)
        return self._judged(with_third_reading(artifact, parts, self._opinions, self._limits))

    def _judged(self, parts: tuple[Part, ...]) -> Examination:
        return examine(parts, self._allow, installed_versions(), most_findings=self._limits.trace_findings)


class _PartsOnDemand(Sequence[Part]):
    """The parts of a file about which there is nothing to say, decoded if somebody looks at them."""

    def __init__(self, decode: Callable[[], tuple[Part, ...]]) -> None:
        self._decode = decode

    @overload
    def __getitem__(self, index: int) -> Part: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Part, ...]: ...
    def __getitem__(self, index: int | slice) -> Part | tuple[Part, ...]:
        return self._decode()[index]

    def __len__(self) -> int:
        return len(self._decode())
