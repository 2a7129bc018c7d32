"""The tracing role: survey pinned files, one after the other, and answer with their parts, as data.

Asked to explain, it answers with the opcodes around the findings.
"""

from __future__ import annotations

import functools
import gc
import importlib
import os
import signal
from typing import Any

from secureload.allowance import install
from secureload.formats.region import Region
from secureload.limits import Limits
from secureload.sandbox.channel import Channel, ChannelClosedError
from secureload.sandbox.kernel import exit_on
from secureload.sandbox.roles.pinned import empty_extension_registry
from secureload.sandbox.wire.frame import Kind, Message
from secureload.scan.dangerous import techniques
from secureload.scan.explained import explained
from secureload.scan.part_codec import encode_parts
from secureload.scan.survey import import_readers, survey

__all__ = ["prepare", "run", "warm_up"]

# What a worker would otherwise import after each fork, or could not import any more.
# A codec is a module, too: those that readers name and that the interpreter does not import by itself.
_LATE = (
    "backports.zstd",
    "encodings.cp437",
    "encodings.unicode_escape",
    "encodings.utf_16_le",
    "lz4.frame",
    "secureload.sandbox.worker",
)
# Stand-ins live until their trace is done; collecting them in between only costs time.
_COLLECTED_EVERY = 128


def warm_up() -> None:
    """Import what the role needs; called in the zygote."""
    for module in _LATE:
        importlib.import_module(module)
    import_readers()
    techniques()  # a table that is read from a file once


def prepare(config: dict[str, Any]) -> Limits:
    """Empty the extension registry, so that EXT opcodes reach nothing, and read the limits."""
    empty_extension_registry()
    gc.disable()
    exit_on(signal.SIGPROF)
    install(functools.partial(signal.setitimer, signal.ITIMER_PROF))
    return Limits(**config["limits"])


def run(channel: Channel, descriptor: int | None, task: dict[str, Any], limits: Limits) -> None:
    """Survey the artifact in ``descriptor`` and send its parts, then the next one, until the caller is gone."""
    done = 0
    while descriptor is not None:
        # fstat(2) is a path call in glibc 2.33 to 2.38, and the filter refuses those: the caller says the size.
        data = Region.mapped(descriptor, task["size"])
        answer = _explained(data, task, limits) if "explain" in task else _surveyed(data, task, limits)
        channel.send(Message(Kind.REPLY, 0, answer))
        data.close()
        os.close(descriptor)
        done += 1
        if done % _COLLECTED_EVERY == 0:
            gc.collect()
        try:
            message, descriptor = channel.receive()
        except ChannelClosedError:
            return
        task = message.body


def _surveyed(data: Region, task: dict[str, Any], limits: Limits) -> list[Any]:
    parts = survey(data, task["name"], limits, unpickles=not task.get("walk", False))
    encoded = encode_parts(parts)
    return [encoded.shape, encoded.numbers]


def _explained(data: Region, task: dict[str, Any], limits: Limits) -> list[Any]:
    found = explained(data, task["name"], dict(task["explain"]), limits)
    return [
        [path, offset, list(lines)] for path, members in found.items() for offset, lines in members.items()
    ]
