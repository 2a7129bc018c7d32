"""Trace a pinned artifact in a confined worker."""

from __future__ import annotations

import contextlib
import dataclasses

from secureload.errors import SandboxError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.codec import TraceFormatError, decode_trace
from secureload.pickles.trace import Trace, TraceProblem
from secureload.printable import printable
from secureload.sandbox.channel import ChannelClosedError, ChannelTimeoutError
from secureload.sandbox.host import start_worker
from secureload.sandbox.wire.frame import Kind
from secureload.sandbox.zygotes import zygote_for

__all__ = ["prepare_tracer", "trace_confined"]


def prepare_tracer() -> None:
    """Start the tracer's zygote if there is none yet, and do not wait for it."""
    with contextlib.suppress(SandboxError):  # whoever traces is told
        zygote_for("trace")


def trace_confined(descriptor: int, size: int, limits: Limits = DEFAULT_LIMITS) -> Trace:
    """Return the trace of the pinned bytes in ``descriptor`` (``size`` bytes), made by a confined worker.

    A tracer that dies or runs out of time is an answer about the artifact: a trace whose only content is the
    problem, so that its verdict is UNDECIDED.

    Raises:
        SandboxError: the sandbox itself cannot be had.
    """
    config = {
        # A payload larger than this is reserved by the C unpickler, never touched: it is stepped over.
        "memory_bytes": limits.tracer_memory_bytes + size,
        "cpu_seconds": limits.tracer_cpu_seconds,
        "limits": dataclasses.asdict(limits),
    }
    answer_limits = dataclasses.replace(
        limits, message_control_bytes=limits.tracer_reply_bytes, message_payload_bytes=0
    )
    worker = start_worker("trace", config, answer_limits)
    try:
        worker.open(descriptor, {"size": size}, seconds=limits.tracer_wall_seconds)
        message, _ = worker.channel.receive(seconds=limits.tracer_wall_seconds)
        if message.kind is not Kind.REPLY:
            raise SandboxError(
                f"the tracer failed: {printable(message.body)}", hint="please report this file"
            )
        return decode_trace(message.body)
    except ChannelTimeoutError:
        return _unexamined(f"tracer_wall_seconds: not done within {limits.tracer_wall_seconds:g} s", size)
    except ChannelClosedError:
        return _unexamined(f"tracer_cpu_seconds or tracer_memory_bytes: {worker.died().message}", size)
    except TraceFormatError as error:
        raise SandboxError("the tracer answered with something that is not a trace") from error
    finally:
        worker.close()


def _unexamined(message: str, size: int) -> Trace:
    problem = TraceProblem("limit", message)
    return Trace(reading="pickle", problems=(problem,), bytes_total=size)
