"""Trace pinned artifacts in confined workers."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias

from secureload.errors import SandboxError
from secureload.formats.reading import Problem
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.checked import TraceFormatError, as_int, as_list, as_str, as_text
from secureload.pickles.distill import distill
from secureload.pickles.fickling_reader import with_opinion
from secureload.pickles.trace import TOO_SLOW
from secureload.printable import printable
from secureload.sandbox.channel import ChannelClosedError, ChannelTimeoutError
from secureload.sandbox.host import Spawned, Worker
from secureload.sandbox.opinions import Opinions
from secureload.sandbox.proof import Confinement
from secureload.sandbox.terms import STRICT, Terms
from secureload.sandbox.wire.frame import Kind, Message
from secureload.scan.part import Part
from secureload.scan.part_codec import EncodedParts, decode_parts, decode_shape, encode_parts
from secureload.values import fields_of, replace

__all__ = ["Excerpts", "Traced", "Tracer", "Wanted", "is_plain"]

Wanted: TypeAlias = Mapping[str, Sequence[int]]
Excerpts: TypeAlias = Mapping[tuple[str, int], tuple[str, ...]]


class Traced:
    """What was traced of one artifact, decoded as far as somebody asks.

    Artifacts of one ``shape`` (the models of one kind) differ in offsets, counts and sizes alone: what holds
    for one of them holds for all.
    """

    def __init__(self, encoded: EncodedParts, opinions: Opinions) -> None:
        self._encoded = encoded
        self._opinions = opinions

    @property
    def shape(self) -> bytes:
        """The parts without their numbers, encoded."""
        return self._encoded.shape

    @property
    def bytes_total(self) -> int:
        """The size of the (expanded) artifact."""
        return self._encoded.numbers[0]

    @property
    def bytes_examined(self) -> int:
        """How much of it was examined."""
        return self._encoded.numbers[1]

    @cached_property
    def common(self) -> tuple[Part, ...]:
        """The parts as all artifacts of this shape have them: without offsets, counts and sizes.

        Raises:
            SandboxError: the worker's answer is not the parts of an artifact.
        """
        return self._decoded(lambda: decode_shape(self._encoded.shape))

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts of this artifact.

        Raises:
            SandboxError: the worker's answer is not the parts of an artifact.
        """
        return self._decoded(lambda: decode_parts(self._encoded))

    def _decoded(self, decode: Callable[[], tuple[Part, ...]]) -> tuple[Part, ...]:
        try:
            return tuple(self._with_opinion(part) for part in decode())
        except TraceFormatError as error:
            raise _not_a_trace() from error

    def _with_opinion(self, part: Part) -> Part:
        if part.trace is None or not part.trace.pickles:
            return part
        opinion = self._opinions.of(distill(part.trace))
        return replace(part, trace=with_opinion(part.trace, opinion))


class Tracer:
    """Traces one artifact after another; not for several threads at once.

    Small artifacts share a worker, up to ``tracer_batch_files`` of them: a worker that a hostile file took over
    could lie about those that come after it in the same batch, as it could about itself. What is to be loaded
    is traced by a tracer, and so in a worker, of its own.
    """

    def __init__(
        self, limits: Limits = DEFAULT_LIMITS, opinions: Opinions | None = None, terms: Terms = STRICT
    ) -> None:
        self._limits = limits
        self._terms = terms
        # What was enforced around the last worker; None where none was needed yet.
        self.confinement: Confinement | None = None
        self._answer_limits = replace(
            limits, message_control_bytes=limits.tracer_reply_bytes, message_payload_bytes=0
        )
        self._opinions = Opinions(limits) if opinions is None else opinions
        self._owns_opinions = opinions is None
        self._spawned: Spawned | None = None
        self._worker: Worker | None = None
        self._whole = False
        self._sized = 0
        self._used = 0

    def begin(self, *, plain: bool, size: int = 0) -> None:
        """Ask for the first worker, and do not wait for it; one for a ``plain`` pickle comes sooner.

        ``size`` is that of the first artifact, as far as it is known.

        Raises:
            SandboxError: the sandbox cannot be had.
        """
        if self._worker is None and self._spawned is None:
            self._whole = not plain
            self._spawned = Spawned("trace", "whole" if self._whole else "")
            self._configure(self._spawned, size)

    def trace(self, descriptor: int, size: int, name: str) -> Traced:
        """Return what was traced of the pinned bytes in ``descriptor`` (``size`` bytes), called ``name``.

        A tracer that dies or runs out of time is an answer about the artifact: a part whose only content is
        the problem, so that its verdict is UNDECIDED.

        Raises:
            SandboxError: the sandbox itself cannot be had.
        """
        if size > self._limits.tracer_batch_bytes:
            self.close_worker()
        shared = self._used > 0
        if not shared:
            self.begin(plain=is_plain(descriptor), size=size)
        try:
            return self._trace(descriptor, size, name)
        except ChannelClosedError:
            assert self._worker is not None  # noqa: S101  # for mypy: it has just died
            death = self._worker.died()
            if death.fields.get("status") == signal.SIGPROF:
                self.close_worker()
                return self._walked(descriptor, size, name)
            # Its share of the limits may have been used up by others: once more, with all of them.
            if shared:
                self.close_worker()
                return self.trace(descriptor, size, name)
            died = f"tracer_cpu_seconds or tracer_memory_bytes: {death.message}"
            self.close_worker()
            return self._unexamined(died, size)
        except ChannelTimeoutError:
            self.close_worker()
            seconds = self._limits.tracer_wall_seconds
            return self._unexamined(f"tracer_wall_seconds: not done within {seconds:g} s", size)
        except SandboxError:
            self.close_worker()
            raise
        finally:
            if size > self._limits.tracer_batch_bytes or self._used >= self._limits.tracer_batch_files:
                self.close_worker()

    def explain(self, descriptor: int, size: int, name: str, wanted: Wanted) -> Excerpts:
        """Return the opcodes around offsets of members, a line each, by member and offset.

        What is not found is left out: nothing that is decided depends on it.
        """
        seconds = self._limits.tracer_wall_seconds
        task = {"size": size, "name": name, "explain": [[path, list(at)] for path, at in wanted.items()]}
        try:
            return _excerpts(self._answer(descriptor, size, task, seconds))
        except (SandboxError, TraceFormatError, ValueError):
            self.close_worker()
            return {}

    def close_worker(self) -> None:
        """End the worker; the next artifact gets a new one."""
        worker, self._worker = self._worker, None
        self._used = 0
        if worker is not None:
            worker.close()

    def _give_up(self) -> None:
        spawned, self._spawned = self._spawned, None
        if spawned is not None:
            spawned.close()

    def close(self) -> None:
        """End all workers."""
        self._give_up()
        self.close_worker()
        if self._owns_opinions:
            self._opinions.close()

    def __enter__(self) -> Tracer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _walked(self, descriptor: int, size: int, name: str) -> Traced:
        """Return what the second reader alone can tell of what takes the unpickler for ever."""
        try:
            return self._trace(descriptor, size, name, walk=True)
        except (ChannelClosedError, ChannelTimeoutError):
            return self._unexamined(TOO_SLOW, size)
        finally:
            self.close_worker()

    def _trace(self, descriptor: int, size: int, name: str, *, walk: bool = False) -> Traced:
        task = {"size": size, "name": name, "walk": walk}
        message = self._answer(descriptor, size, task, self._limits.tracer_wall_seconds)
        return Traced(_encoded(message), self._opinions)

    def _answer(self, descriptor: int, size: int, task: Mapping[str, Any], seconds: float) -> Message:
        """Return what the worker says of a task; where it lacks a reader, what one with all of them says."""
        if self._worker is None:
            self._worker = self._start(size)
        message = self._asked(self._worker, descriptor, task, seconds)
        if message.kind is Kind.REPLY and message.body is None and not self._whole:
            self.close_worker()
            self.begin(plain=False, size=size)
            self._worker = self._start(size)
            message = self._asked(self._worker, descriptor, task, seconds)
        return message

    def _asked(self, worker: Worker, descriptor: int, task: Mapping[str, Any], seconds: float) -> Message:
        self._used += 1
        worker.open(descriptor, task, seconds=seconds)
        return worker.channel.receive(seconds=seconds)[0]

    def _start(self, size: int) -> Worker:
        if size > self._sized:
            self._give_up()  # it was larger than it seemed
        self.begin(plain=False, size=size)
        assert self._spawned is not None  # noqa: S101  # for mypy: it was asked for just now
        spawned, self._spawned = self._spawned, None
        worker = spawned.proved(self._answer_limits, terms=self._terms)
        self.confinement = worker.confinement
        return worker

    def _configure(self, spawned: Spawned, size: int) -> None:
        limits = self._limits
        self._sized = max(size, limits.tracer_batch_bytes)
        config = {
            # A payload larger than this is reserved by the C unpickler, never touched: it is stepped over.
            "memory_bytes": limits.tracer_memory_bytes + self._sized,
            "cpu_seconds": limits.tracer_cpu_seconds,
            "limits": fields_of(limits),
        }
        spawned.configure(config, self._answer_limits, terms=self._terms)

    def _unexamined(self, message: str, size: int) -> Traced:
        problem = Problem(kind="limit", message=message)
        part = Part(
            path="", format="unknown", description="not examined", problems=(problem,), bytes_total=size
        )
        return Traced(encode_parts((part,)), self._opinions)


def is_plain(descriptor: int) -> bool:
    """Whether a file begins as a pickle that needs no other reader, for all that can be seen."""
    head = os.pread(descriptor, 2, 0)
    return head[:1] == b"\x80" and b"\x01" < head[1:] < b"\x06"


def _excerpts(message: Message) -> Excerpts:
    if message.kind is not Kind.REPLY:
        return {}
    found = {}
    for path, offset, lines in map(as_list, as_list(message.body)):
        found[as_str(path), as_int(offset)] = tuple(as_text(line) for line in as_list(lines))
    return found


def _encoded(message: Message) -> EncodedParts:
    if message.kind is not Kind.REPLY:
        raise SandboxError(f"the tracer failed: {printable(message.body)}", hint="please report this file")
    try:
        shape, numbers = as_list(message.body)
        encoded = EncodedParts(shape, tuple(as_int(number) for number in as_list(numbers)))
    except (TraceFormatError, ValueError) as error:
        raise _not_a_trace() from error
    if type(encoded.shape) is not bytes or len(encoded.numbers) < 2:
        raise _not_a_trace()
    return encoded


def _not_a_trace() -> SandboxError:
    return SandboxError("the tracer answered with something that is not a trace")
