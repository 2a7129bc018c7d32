"""What is being gathered about one member while its readers run, until it becomes a part."""

from __future__ import annotations

from typing import Any, get_args

from secureload.errors import LimitError
from secureload.formats.catalog import ADVICE, DATA, DESCRIPTIONS
from secureload.formats.detect import Detected
from secureload.formats.reading import Event, Identified, Observation, Problem, Reference, Versions
from secureload.pickles.trace import GlobalRef, Import, Operation, Reading, Trace
from secureload.scan.part import Part
from secureload.scan.tracing import does_something
from secureload.values import replace

__all__ = ["Gathered"]

_MOST_REFERENCES = 20_000
_MOST_OBSERVATIONS = 1_000


class Gathered:
    """The state of one member. ``data_members`` counts its members that have nothing to say."""

    def __init__(self, detected: Detected, size: int) -> None:
        self._detected = detected
        self._size = size
        self._format: str = detected.format
        self._description = detected.description
        self._loader = ""
        self._trace: Trace | None = None
        self._observations: list[Observation] = []
        self._problems: list[Problem] = []
        self._references: dict[Reference, int] = {}
        self._versions: dict[tuple[str, str], None] = {}
        self._examined = 0
        self.data_members = 0

    def take(self, event: Event) -> None:
        """Take what a reader yielded, all but a child."""
        if isinstance(event, Problem):
            self.problem(event)
        elif isinstance(event, Observation):
            self._observe(event)
        elif isinstance(event, Reference):
            if len(self._references) < _MOST_REFERENCES or event in self._references:
                self._references[event] = self._references.get(event, 0) + 1
            else:
                self.problem(
                    Problem(kind="limit", message=f"it names more than {_MOST_REFERENCES:,} globals")
                )
        elif isinstance(event, Identified):
            self._format = event.format
            self._description = DESCRIPTIONS.get(event.format, event.format)
            self._loader = event.loader
        elif isinstance(event, Versions):
            self._versions[event.library, event.version] = None

    def problem(self, problem: Problem) -> None:
        """Note what could not be examined, once."""
        if problem not in self._problems:
            self._problems.append(problem)

    def limit(self, error: LimitError) -> None:
        """Note that a limit was reached."""
        self.problem(Problem(kind="limit", message=error.named))

    def without_reader(self) -> None:
        """Note that nothing here reads this format: text, raw numbers and nothing at all need none."""
        if self._format in DATA:
            self.all_examined()
            return
        what = f"this is {self._description}, which secureload does not read yet"
        if advice := ADVICE.get(self._format):
            what = f"{what}; {advice}"
        self.problem(Problem(kind="unsupported", message=what, offset=0))

    def traced(self, trace: Trace) -> None:
        """Take the trace of a member that is a pickle."""
        self._format = "pickle"
        self._trace = trace
        self._loader = f"{trace.reading}.load"

    def tensors_examined(self) -> None:
        """Note that the tensors in the pickle were examined, as a part of their own."""
        if self._trace is not None:
            self._trace = replace(self._trace, nested=(), nested_examined=True)

    def recognized(self, name: str) -> None:
        """Take a closer word for a pickle or for what no reader fits, a format of the catalog: what its bytes show."""
        if self._format == "unknown":
            self._format = name
        self._description = DESCRIPTIONS[name]

    def also_traced(self, trace: Trace) -> None:
        """Take the trace of a member that could be a pickle besides: it counts if it does something."""
        if does_something(trace):
            self._trace = trace
            self._loader = f"{trace.reading}.load"

    def followed_by_known(self, offset: int) -> None:
        """Take back that something unknown follows the pickle at ``offset``: it is known, and read by itself."""
        if self._trace is not None:
            kept = tuple(
                problem
                for problem in self._trace.problems
                if problem.kind != "trailing" or problem.offset != offset
            )
            self._trace = replace(self._trace, problems=kept, bytes_examined=self._trace.bytes_total)

    def broken_at(self) -> int | None:
        """Return where a reader found what is not of its format (0 where it does not say), None if all was."""
        offsets = [problem.offset for problem in self._problems if problem.kind == "malformed"]
        return min((max(offset, 0) for offset in offsets), default=None)

    def all_examined(self) -> None:
        """Note that the readers went over all of it; what they could not read stands in the problems."""
        offsets = [problem.offset for problem in self._problems if problem.offset >= 0]
        self._examined = min([self._size, *offsets])

    def part(self, path: str) -> Part:
        """Return what was gathered."""
        trace = self._with_references()
        total, examined = self._size, self._examined
        if trace is not None and self._format == "pickle":
            total, examined = trace.bytes_total, trace.bytes_examined
        return Part(
            path=path,
            format=self._format,
            description=self._description,
            loader=self._loader,
            compression=self._detected.compression,
            trace=trace,
            observations=tuple(self._observations),
            problems=tuple(self._problems),
            versions=tuple(self._versions),
            data_members=self.data_members,
            bytes_total=total,
            bytes_examined=examined,
            extension_disagrees=self._detected.extension_disagrees or "",
        )

    def _observe(self, observation: Observation) -> None:
        if len(self._observations) < _MOST_OBSERVATIONS:
            self._observations.append(observation)
        else:
            more = f"there are more than {_MOST_OBSERVATIONS:,} observations"
            self.problem(Problem(kind="limit", message=more))

    def _with_references(self) -> Trace | None:
        """Return the trace, with what the format's loader would import and make besides."""
        if not self._references:
            return self._trace
        imports: dict[GlobalRef, list[int]] = {}
        operations: list[Operation] = []
        for reference, count in self._references.items():
            ref = GlobalRef(reference.module, reference.name)
            imports.setdefault(ref, [0, reference.offset])[0] += count
            if reference.use != "import":
                first = len(operations)
                operations.append(
                    Operation(reference.use, ref, count=count, first=first, offset=reference.offset)
                )
        named = tuple(Import(ref, count, offset) for ref, (count, offset) in imports.items())
        if self._trace is not None:
            return replace(
                self._trace,
                imports=(*self._trace.imports, *named),
                operations=(*self._trace.operations, *operations),
            )
        reading: Any = self._format if self._format in get_args(Reading) else "pickle"
        return Trace(
            reading=reading,
            imports=named,
            operations=tuple(operations),
            # A structured model keeps the versions of the libraries that it belongs to; others those of their writer.
            versions=tuple(self._versions) if self._format == "safetensors" else (),
            bytes_total=self._size,
            bytes_examined=self._examined,
        )
