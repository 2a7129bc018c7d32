"""The tracing role: survey pinned files, one after the other, and answer with their parts, as data.

Asked to explain, it answers with the opcodes around the findings. Where it would need what was not imported, it answers
with nothing.
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
from secureload.sandbox.roles.absent import NotImportedError
from secureload.sandbox.roles.pinned import empty_extension_registry
from secureload.sandbox.wire.frame import Kind, Message
from secureload.scan.alike import Alike
from secureload.scan.part_codec import encode_parts
from secureload.scan.survey import survey

__all__ = ["prepare", "run", "warm_up"]

# Stand-ins live until their trace is done; collecting them in between only costs time.
_COLLECTED_EVERY = 128
_COPIED_BYTES = 1 << 20


def warm_up() -> None:
    """Import what a plain pickle needs; called in the zygote. The rest is :mod:`secureload.sandbox.roles.readers`."""
    importlib.import_module("encodings.unicode_escape")
    importlib.import_module("secureload.sandbox.worker")


def prepare(config: dict[str, Any]) -> Limits:
    """Empty the extension registry, so that EXT opcodes reach nothing, and read the limits."""
    empty_extension_registry()
    gc.disable()
    exit_on(signal.SIGPROF)
    install(functools.partial(signal.setitimer, signal.ITIMER_PROF))
    return Limits(**config["limits"])


def run(channel: Channel, descriptor: int | None, task: dict[str, Any], limits: Limits) -> None:
    """Survey the artifact in ``descriptor`` and send its parts, then the next one, until the caller is gone."""
    done, alike = 0, Alike(limits)
    while descriptor is not None:
        # fstat(2) is a path call in glibc 2.33 to 2.38, and the filter refuses those: the caller says the size.
        data = _region(descriptor, task["size"])
        try:
            answer = (
                _explained(data, task, limits) if "explain" in task else _surveyed(data, task, limits, alike)
            )
        except NotImportedError:
            answer = None  # the caller asks another worker
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


def _region(descriptor: int, size: int) -> Region:
    """Return the bytes of the artifact: for a small one, a copy costs less than the pages of a map."""
    if 0 < size <= _COPIED_BYTES:
        copy = os.pread(descriptor, size, 0)
        if len(copy) == size:
            return Region(copy)
    return Region.mapped(descriptor, size)


def _surveyed(data: Region, task: dict[str, Any], limits: Limits, alike: Alike) -> list[Any]:
    name, walk = task["name"], task.get("walk", False)
    encoded = None if walk else alike.find(data, name)
    if encoded is None:
        parts = survey(data, name, limits, unpickles=not walk)
        encoded = encode_parts(parts)
        if not walk:
            alike.keep(data, name, parts, encoded)
    return [encoded.shape, encoded.numbers]


def _explained(data: Region, task: dict[str, Any], limits: Limits) -> list[Any]:
    from secureload.scan.explained import explained

    found = explained(data, task["name"], dict(task["explain"]), limits)
    return [
        [path, offset, list(lines)] for path, members in found.items() for offset, lines in members.items()
    ]
