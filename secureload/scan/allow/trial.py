"""Save every case of the installed libraries again, and say what the scanner finds in it: nothing, it should be.

What was traced can be kept too, each import and each shape of an operation once: the tests judge it where the
libraries themselves are not installed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from secureload.pickles.trace import Collection, Const, GlobalRef, Import, Operation, Result, Trace, Value
from secureload.pickles.vm import trace_stream
from secureload.scan.allow.collect import LIBRARIES, cases_of, pickles_of
from secureload.scan.allowlist import load_default
from secureload.scan.arguments import STATE_RULES
from secureload.scan.examine import examine
from secureload.scan.finding import Severity
from secureload.values import replace

__all__ = ["MemorySource", "findings_in", "traced", "trial"]


_NAME_CHARS = 32
_JUDGED = frozenset({"call", "new", "persid"})


class MemorySource:
    """A byte source over bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)
        self.read = self._file.read
        self.readline = self._file.readline
        self.tell = self._file.tell

    def skip(self, size: int) -> int:
        """Step over up to ``size`` bytes and return how many there were."""
        return len(self._file.read(size))

    def head(self, size: int) -> bytes:
        """Return the next bytes without moving."""
        position = self._file.tell()
        found = self._file.read(size)
        self._file.seek(position)
        return found


def findings_in(data: bytes, *, torch: bool = False) -> list[str]:
    """Return the titles of what is found above a note in a pickle or an uncompressed joblib file."""
    trace = trace_stream(MemorySource(data))
    if torch:
        trace = replace(trace, reading="torch")
    found = examine(trace, load_default(), dict(trace.versions)).findings
    return [
        f"{finding.rule_id} {finding.title}" for finding in found if finding.severity is not Severity.NOTE
    ]


def traced(only: Iterable[str] = ()) -> Iterator[tuple[str, Trace]]:
    """Yield (library, what its files would import and do), each import and each shape of an operation once."""
    warnings.simplefilter("ignore")
    for library in _installed(only):
        yield library, _traced(library)


def _traced(library: str) -> Trace:
    imports: dict[GlobalRef, Import] = {}
    operations: dict[object, Operation] = {}
    for all_ways, _, value in cases_of(library):
        for data in _saved(library, value, all_ways=all_ways):
            trace = trace_stream(MemorySource(data))
            for item in trace.imports:
                imports.setdefault(item.ref, Import(item.ref))
            for operation in filter(_is_judged, trace.operations):
                plain = replace(operation, count=1, first=0, offset=-1)
                operations.setdefault(_shape(plain), plain)
    return Trace(
        reading="torch" if library == "torch" else "pickle",
        imports=tuple(sorted(imports.values(), key=lambda item: str(item.ref))),
        operations=tuple(operations.values()),
        pickles=1,
    )


def _is_judged(operation: Operation) -> bool:
    """Whether a rule asks for the arguments: of most classes every state is data."""
    of = operation.target.of if isinstance(operation.target, Result) else None
    allowed = load_default().find(of) if of is not None else None
    return operation.kind in _JUDGED or (allowed is not None and allowed.arguments in STATE_RULES)


def _shape(operation: Operation) -> object:
    """Tell operations apart by what the rules ask of them: names, and the types of numbers and bytes."""
    return (
        operation.kind,
        *(_mark(value) for value in (operation.target, *operation.args)),
        operation.kwargs,
    )


def _mark(value: Value) -> object:
    match value:
        case Const(str() as text) if len(text) <= _NAME_CHARS and text.isprintable() and not text.isdecimal():
            return text
        case Const():
            return type(value.value)
        case Collection(kind, items, _):
            return (kind, tuple(map(_mark, items)))
    return value


def _installed(only: Iterable[str]) -> Iterator[str]:
    wanted = set(only) or set(LIBRARIES)
    for library, (module, _) in LIBRARIES.items():
        if library in wanted and importlib.util.find_spec(module) is not None:
            yield library


def trial(only: Iterable[str] = ()) -> Iterator[str]:
    """Yield one line for each finding in what the libraries write, each kind of finding once a case."""
    warnings.simplefilter("ignore")
    told: set[str] = set()
    for library in _installed(only):
        for all_ways, label, value in cases_of(library):
            for data in _saved(library, value, all_ways=all_ways):
                for title in findings_in(data, torch=library == "torch"):
                    if title not in told:
                        told.add(title)
                        yield f"{library}: {label}: {title}"


def _protocols(value: Any) -> range:
    """Return the protocols that say what they do: for what has named arguments, 2 and 3 call a function instead."""
    items = value if isinstance(value, list) else [value]
    return range(4 if any(hasattr(type(item), "__getnewargs_ex__") for item in items) else 2, 6)


def _saved(library: str, value: Any, *, all_ways: bool) -> Iterator[bytes]:
    yield from pickles_of(library, value, _protocols(value) if all_ways else (2, 5))
    if library != "torch":
        with contextlib.suppress(Exception):
            import joblib

            buffer = io.BytesIO()
            joblib.dump(value, buffer)
            yield buffer.getvalue()
