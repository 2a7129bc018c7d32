"""The tracing role: examine one pinned file and answer with its trace, as data."""

from __future__ import annotations

import gc
import importlib
from dataclasses import replace
from typing import Any, Literal

from secureload.errors import LimitError
from secureload.formats.expanding import ExpandingReader
from secureload.formats.pickle_start import may_be_pickle
from secureload.limits import Limits
from secureload.pickles.codec import encode_trace
from secureload.pickles.fickling_reader import warm_up as warm_up_fickling
from secureload.pickles.fickling_reader import with_fickling
from secureload.pickles.source import MappedSource
from secureload.pickles.trace import Trace, TraceProblem
from secureload.pickles.vm import trace_stream, with_pickle_reading
from secureload.sandbox.channel import Channel
from secureload.sandbox.roles.pinned import HEAD_BYTES, empty_extension_registry, open_pinned
from secureload.sandbox.wire.frame import Kind, Message

__all__ = ["prepare", "run", "warm_up"]

# What a worker would otherwise import after each fork, or could not import any more.
_LATE = ("lz4.frame", "secureload.sandbox.worker")


def warm_up() -> None:
    """Import what the role needs; called in the zygote."""
    for module in _LATE:
        importlib.import_module(module)
    warm_up_fickling()


def prepare(config: dict[str, Any]) -> Limits:
    """Empty the extension registry, so that EXT opcodes reach nothing, and read the limits."""
    empty_extension_registry()
    # Stand-ins live until the trace is done; collecting them in between only costs time.
    gc.disable()
    return Limits(**config["limits"])


def run(channel: Channel, descriptor: int, task: dict[str, Any], limits: Limits) -> None:
    """Trace the artifact in ``descriptor`` and send the trace."""
    size = task["size"]  # fstat(2) is a path call in glibc 2.33 to 2.38, and the filter refuses those
    source = open_pinned(descriptor, size, limits)
    if isinstance(source, MappedSource):
        trace = trace_stream(source, limits=limits, bytes_total=size)
    else:
        trace = _trace_expanded(source, limits)
        if may_be_pickle(MappedSource(descriptor, size).head(HEAD_BYTES), size):
            # BZh9 is also the opcode BINBYTES with a length of 825 MB: joblib expands it, pickle runs it.
            what = f"it is {source.compression} for joblib.load, and a pickle for pickle.load"
            trace = replace(trace, problems=(*trace.problems, TraceProblem("unsupported", what, 0)))
    if trace.reading == "joblib":
        trace = with_pickle_reading(trace, open_pinned(descriptor, size, limits), limits=limits)
    channel.send(Message(Kind.REPLY, 0, encode_trace(with_fickling(trace))))


def _trace_expanded(reader: ExpandingReader, limits: Limits) -> Trace:
    trace = trace_stream(reader, limits=limits, compression=reader.compression)
    reader.drain()
    problems = list(trace.problems)
    if reader.failure is not None:
        kind: Literal["limit", "malformed"] = (
            "limit" if isinstance(reader.failure, LimitError) else "malformed"
        )
        problem = TraceProblem(kind, reader.failure.message, reader.tell())
        problems = [problem, *(other for other in problems if other.kind == "trailing")]
    elif reader.trailing_bytes:
        message = f"{reader.trailing_bytes:,} bytes behind the {reader.compression} stream were not examined"
        problems.append(TraceProblem("trailing", message))
    return replace(trace, problems=tuple(problems), bytes_total=reader.tell())
