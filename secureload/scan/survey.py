"""Bytes → parts: every member of an artifact is found, told apart by its content, and read by what reads it.

Runs in the confined tracer. A member is read by *every* reader that it could be meant for: its bytes may be
an archive to one program and a pickle to another. A reader that fails leaves a problem, never a gap.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any, Final, TypeAlias

from secureload.errors import LimitError, SecureloadError
from secureload.formats.catalog import DESCRIPTIONS, READERS, is_disc_image
from secureload.formats.chained import ChainedStream
from secureload.formats.detect import HEAD_BYTES, Detected, detect
from secureload.formats.expanding import ExpandingReader
from secureload.formats.other_readings import other_readings
from secureload.formats.reading import (
    Budget,
    Child,
    Event,
    Observation,
    Opener,
    Problem,
    ReadContext,
)
from secureload.formats.region import Region
from secureload.formats.zip_directory import has_zip_end
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.trace import TOO_SLOW, Trace
from secureload.scan.gathered import Gathered
from secureload.scan.part import Part
from secureload.scan.reached import behind
from secureload.scan.torch_legacy import TorchFiles, torch_machine
from secureload.scan.torch_storages import TorchStorageSizes
from secureload.scan.tracing import does_something, trace_pickle

__all__ = ["Traced", "import_readers", "survey"]

Traced: TypeAlias = Callable[[str, Opener, Trace], None]

# What a stream of unknown length is taken to have: more than any length that stands in it.
_ENDLESS: Final = 1 << 62
_CHUNK_BYTES: Final = 1 << 20
_MISREAD_BYTES: Final = 4_096


def import_readers() -> None:
    """Import every reader now; where files can no longer be opened it is too late."""
    for module in READERS.values():
        _reader(module)


def survey(
    data: Region,
    name: str,
    limits: Limits = DEFAULT_LIMITS,
    traced: Traced | None = None,
    *,
    unpickles: bool = True,
) -> tuple[Part, ...]:
    """Return what was read of the artifact ``data``, called ``name``, and of each of its members.

    Whatever the bytes, this returns at least the part of the artifact itself. ``traced`` is called with the path
    of each member that is traced, what opens its stream, and its trace. Without ``unpickles`` pickles are walked
    only: that is for artifacts of which one takes the unpickler for ever.
    """
    whole = _Survey(limits, data.size, traced, unpickles=unpickles)
    whole.member(Child(name=name, data=data), path="", depth=0)
    return tuple(whole.parts)


class _Survey:
    """One artifact: its parts so far, and what is left of the budget."""

    def __init__(
        self, limits: Limits, size: int, traced: Traced | None = None, *, unpickles: bool = True
    ) -> None:
        self.limits = limits
        self._unpickles = unpickles
        self._traced = traced
        self._path = ""
        self.budget = Budget(limits, size)
        self.parts: list[Part] = []
        self.storages = TorchStorageSizes()
        self._searched = 0  # bytes of no known format

    def member(self, child: Child, *, path: str, depth: int) -> bool:
        """Read one member; return False where it is raw data with nothing to say, which needs no part."""
        if depth > self.limits.nesting_depth:
            limit = f"nesting_depth: members lie deeper than {self.limits.nesting_depth:,} levels"
            self.parts.append(_unread(path, Problem(kind="limit", message=limit)))
            return True
        if child.expect == "data":
            return self._data_member(child, path)
        position = len(self.parts)
        self.parts.append(_unread(path))  # a container stands before its members
        data = child.data if isinstance(child.data, Region) else self._spooled(child.data, path, position)
        if data is not None:
            gathered = self._read(child, data, path, depth)
            self.parts[position] = gathered.part(path)
        return True

    # -- one member ------------------------------------------------------------------------------------

    def _read(self, child: Child, data: Region, path: str, depth: int) -> Gathered:
        self._path = path
        detected = detect(data.head(HEAD_BYTES), data.size, child.name)
        gathered = Gathered(detected, data.size)
        if detected.compression is not None:
            self._compressed(child, data, detected, gathered, path, depth)
        elif child.expect == "pickle" or detected.format == "pickle":
            trace = self._trace(data.cursor, child.reading, data.size)
            gathered.traced(trace)
            if trace.reading == "torch" and not child.reading:
                gathered.recognized("torch-legacy")
            self._tensors(trace, lambda: data, gathered, path)
            start = behind(trace)
            if start is not None:
                self._behind(child, data.part(start, data.size - start), start, gathered, path, depth)
        else:
            if detected.may_be_pickle:
                gathered.also_traced(self._trace(data.cursor, child.reading, data.size))
            self._structure(child, data, detected.format, gathered, path, depth)
            if detected.format not in READERS:
                return gathered  # nothing was read of it, or as an archive
        for other in other_readings(data, detected.format):
            self._structure(child, data, other, gathered, path, depth)
        return gathered

    def _compressed(
        self, child: Child, data: Region, detected: Detected, gathered: Gathered, path: str, depth: int
    ) -> None:
        compression = detected.compression
        assert compression is not None  # noqa: S101  # for mypy: the caller looked

        def expanded() -> ExpandingReader:
            return ExpandingReader(data.cursor(), compression, self.limits)

        name = _without_suffix(child.name)
        inner = _detect_stream(expanded(), name)
        # The name of a tar archive's first member may begin as a pickle does: then it is read as both, below.
        if inner.format in ("pickle", "empty") or (inner.may_be_pickle and inner.format not in READERS):
            trace = self._trace(expanded, child.reading, -1, compression)
            gathered.traced(trace)
            self._tensors(trace, lambda: self._rest_of(expanded(), 0), gathered, path)
            self._behind_stream(child, data, expanded, trace, gathered, path, depth)
            if detected.may_be_pickle:
                # BZh9 is also the opcode BINBYTES with a length of 825 MB: joblib expands it, pickle runs it.
                what = f"it is {compression} for joblib.load, and a pickle for pickle.load"
                gathered.problem(Problem(kind="unsupported", message=what, offset=0))
            return
        if detected.may_be_pickle:
            gathered.also_traced(self._trace(data.cursor, child.reading, data.size))
        self._child(Child(name=name, data=expanded), gathered, path, depth)
        gathered.all_examined()

    def _structure(
        self, child: Child, data: Region, name: str, gathered: Gathered, path: str, depth: int
    ) -> None:
        module = READERS.get(name)
        if module is None and has_zip_end(data):
            module = READERS["zip"]  # zipfile reads an archive from its end, whatever it begins with
        if module is None:
            if name == "unknown" and is_disc_image(data):
                gathered.recognized("iso")
            gathered.without_reader()
            if name != "text":
                self._embedded(data, 0, gathered, path)
            return
        context = ReadContext(name=child.name, depth=depth, limits=self.limits, budget=self.budget)
        outer, self.storages = self.storages, TorchStorageSizes()
        for event in _events(_reader(module).read(data, context)):
            if isinstance(event, Child):
                self.storages.hold(event)
                self._child(event, gathered, path, depth)
            else:
                gathered.take(event)
        for observation in self.storages.differences():
            gathered.take(observation)
        self.storages = outer
        broken = gathered.broken_at()
        if broken is not None and name != "text":
            # What is no longer of the format may have been read as such for a while.
            start = max(broken - _MISREAD_BYTES, 0)
            self._embedded(data.part(start, data.size - start), start, gathered, path)
        gathered.all_examined()

    def _tensors(self, trace: Trace, opened: Callable[[], Region], gathered: Gathered, path: str) -> None:
        """Trace the tensors in a pickle, each a PyTorch file of its own, as one part: they are of one kind."""
        if not trace.nested or not all(nested.is_known for nested in trace.nested):
            return  # a rule says so
        whole = opened() if any(nested.offset >= 0 for nested in trace.nested) else Region(b"")
        files = [
            whole.part(nested.offset, nested.size) if nested.offset >= 0 else Region(nested.data)
            for nested in trace.nested
        ]
        ends = list(accumulate(file.size for file in files))
        inner_path = f"{path}!/tensors" if path else "tensors"
        inner = trace_pickle(
            lambda: ChainedStream(files),
            reading="torch",
            between=TorchFiles(ends),
            bytes_total=ends[-1],
            limits=self.limits,
            unpickles=self._unpickles,
        )
        tensors = Gathered(detect(files[0].head(HEAD_BYTES), files[0].size, ""), ends[-1])
        tensors.traced(inner)
        tensors.recognized("torch-legacy")
        if behind(inner) is not None:
            for file in files:
                self._embedded(file, 0, tensors, inner_path)
        self.parts.append(tensors.part(inner_path))
        if self._traced is not None:
            self._traced(inner_path, lambda: ChainedStream(files), inner)
        gathered.tensors_examined()

    def _behind(
        self, child: Child, rest: Region, offset: int, gathered: Gathered, path: str, depth: int
    ) -> None:
        """Look at ``rest``, which stands at ``offset`` behind a pickle or behind the place where it breaks off."""
        detected = detect(rest.head(HEAD_BYTES), rest.size, "")
        if detected.compression is None and detected.format not in READERS:
            self._embedded(rest, offset, gathered, path)
            return
        if child.reading == "numpy" and detected.format == "npy":
            gathered.followed_by_known(offset)  # numpy.save on an open file: the next array
        self._child(Child(name=f"behind byte {offset:,}", data=rest), gathered, path, depth)

    def _behind_stream(
        self,
        child: Child,
        data: Region,
        expanded: Callable[[], ExpandingReader],
        trace: Trace,
        gathered: Gathered,
        path: str,
        depth: int,
    ) -> None:
        """The same for a pickle in a compressed stream, and for what stands behind the stream itself."""
        start = behind(trace)
        if start is not None:
            rest = self._rest_of(expanded(), start)
            self._behind(child, rest, start, gathered, path, depth)
        if any(problem.kind == "trailing" and problem.offset < 0 for problem in trace.problems):
            stream = expanded()
            stream.drain()
            at = data.size - stream.trailing_bytes
            self._behind(child, data.part(at, stream.trailing_bytes), at, gathered, path, depth)

    def _rest_of(self, stream: ExpandingReader, start: int) -> Region:
        """Return what ``stream`` holds from ``start`` on, as far as it can be had and kept."""
        pieces = bytearray()
        with contextlib.suppress(SecureloadError):  # that was noted when it was traced
            stream.skip(start)
            while len(pieces) < self.limits.spooled_bytes and (piece := stream.read(_CHUNK_BYTES)):
                self.budget.expand(len(piece))
                pieces += piece
        return Region(pieces)

    def _embedded(self, data: Region, offset: int, gathered: Gathered, path: str) -> None:
        """Find the pickles in bytes that no reader knows; ``offset`` is where these begin in the member."""
        if not self._unpickles:
            gathered.problem(Problem(kind="limit", message=TOO_SLOW))
            return
        most = self.limits.embedded_search_bytes
        if self._searched >= most:
            what = f"embedded_search_bytes: {most:,} bytes of no known format were searched before this"
            gathered.problem(Problem(kind="limit", message=what))
            return
        self._searched += data.size
        from secureload.scan.embedded import embedded_pickles  # with the list of gadgets

        try:
            for start, trace in embedded_pickles(data, self.limits):
                gathered.take(
                    Observation(
                        code="embedded.pickle",
                        message="a pickle that would import something stands among bytes of no known format",
                        offset=offset + start,
                    )
                )
                inner = Gathered(detect(data.read_at(start, HEAD_BYTES), data.size - start, ""), 0)
                inner.traced(trace)
                name = f"pickle at byte {offset + start:,}"
                inner_path = f"{path}!/{name}" if path else name
                self.parts.append(inner.part(inner_path))
                if self._traced is not None:
                    self._traced(inner_path, data.part(start, data.size - start).cursor, trace)
        except LimitError as error:
            gathered.limit(error)

    def _child(self, child: Child, gathered: Gathered, path: str, depth: int) -> None:
        try:
            self.budget.member()
        except LimitError as error:
            gathered.limit(error)
            return
        inner = f"{path}!/{child.name}" if path else child.name
        if not self.member(child, path=inner, depth=depth + 1):
            gathered.data_members += 1

    def _data_member(self, child: Child, path: str) -> bool:
        """Look at what its loader takes for raw data: it counts only if it does something as a pickle."""
        opened = child.data.cursor if isinstance(child.data, Region) else child.data
        try:
            head = opened().head(HEAD_BYTES)
        except SecureloadError:
            return False  # what cannot be expanded is no program either; its loader fails as we did
        if not _looks_like_pickle(head):
            return False
        self._path = path
        size = child.data.size if isinstance(child.data, Region) else -1
        trace = self._trace(opened, child.reading, size)
        if not does_something(trace):
            return False
        detected = detect(head, size if size >= 0 else _ENDLESS, child.name)
        gathered = Gathered(detected, max(size, 0))
        gathered.traced(trace)
        self.parts.append(gathered.part(path))
        return True

    # -- bytes -----------------------------------------------------------------------------------------

    def _trace(self, opened: Opener, reading: str, size: int, compression: str | None = None) -> Trace:
        loader, machine = torch_machine(reading)
        trace = trace_pickle(
            opened,
            reading=loader,
            between=machine,
            bytes_total=size,
            compression=compression,
            limits=self.limits,
            unpickles=self._unpickles,
        )
        if self._traced is not None:
            self._traced(self._path, opened, trace)
        if reading == "torch":
            self.storages.state(machine)
        return trace

    def _spooled(self, opened: Opener, path: str, position: int) -> Region | None:
        """Return the expanded bytes of a member, in memory; None where they are over a limit, which is noted."""
        pieces = bytearray()
        problem = None
        try:
            stream = opened()
            while piece := stream.read(_CHUNK_BYTES):
                self.budget.expand(len(piece))
                if len(pieces) + len(piece) > self.limits.spooled_bytes:
                    raise LimitError(
                        f"spooled_bytes: it expands to more than {self.limits.spooled_bytes:,} bytes"
                    )
                pieces += piece
        except LimitError as error:
            problem = Problem(kind="limit", message=error.named)
        except SecureloadError as error:
            problem = Problem(kind="malformed", message=error.message, offset=len(pieces))
        if problem is None:
            return Region(pieces)
        found = _unread(path, problem)
        if pieces and problem.kind == "malformed":
            # What came before the damage counts.
            inner = self._read(
                Child(name=path, data=Region(pieces)), Region(pieces), path, self.limits.nesting_depth
            )
            inner.problem(problem)
            found = inner.part(path)
        self.parts[position] = found
        return None


def _events(events: Iterator[Event]) -> Iterator[Event]:
    """Yield what a reader yields; what it raises becomes a problem."""
    try:
        yield from events
    except LimitError as error:
        yield Problem(kind="limit", message=error.named)
    except SecureloadError as error:
        offset = error.fields.get("offset")
        kind: Any = "unsupported" if error.code == "artifact.unsupported" else "malformed"
        yield Problem(kind=kind, message=error.message, offset=offset if type(offset) is int else -1)
    except (MemoryError, RecursionError) as error:
        yield Problem(
            kind="limit", message=f"tracer_memory_bytes: reading it ended with {type(error).__name__}"
        )
    except Exception as error:  # a fault of the reader: the member is not examined, the others are
        yield Problem(kind="malformed", message=f"its reader failed ({type(error).__name__}: {error})")


def _reader(module: str) -> Any:
    return importlib.import_module(f"secureload.formats.readers.{module}")


def _detect_stream(stream: ExpandingReader, name: str) -> Detected:
    head = stream.head(HEAD_BYTES)
    return detect(head, len(head) if len(head) < HEAD_BYTES else _ENDLESS, name)


def _looks_like_pickle(head: bytes) -> bool:
    """Whether bytes that are raw data to their loader are worth a trace: most weights are not."""
    if head[:1] == b"\x80":
        return len(head) > 2 and 1 < head[1] <= 5
    return head[:1] in (b"c", b"(", b"i") and b"\n" in head


def _without_suffix(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and stem and "/" not in suffix else name


def _unread(path: str, problem: Problem | None = None) -> Part:
    return Part(
        path=path,
        format="unknown",
        description=DESCRIPTIONS["unknown"],
        problems=() if problem is None else (problem,),
    )
