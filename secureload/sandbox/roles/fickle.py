"""The role of the third reader: fickling, confined, over distilled pickles, one after the other."""

from __future__ import annotations

import importlib
import os
from typing import Any

from secureload.limits import Limits
from secureload.pickles.fickling_reader import ask_fickling
from secureload.pickles.fickling_reader import warm_up as warm_up_fickling
from secureload.sandbox.channel import Channel, ChannelClosedError
from secureload.sandbox.roles.pinned import empty_extension_registry
from secureload.sandbox.wire.frame import Kind, Message

__all__ = ["prepare", "run", "warm_up"]


def warm_up() -> None:
    """Import fickling, and what the worker needs; called in the zygote."""
    importlib.import_module("secureload.sandbox.worker")
    warm_up_fickling()


def prepare(config: dict[str, Any]) -> Limits:
    """Empty the extension registry, and read the limits."""
    empty_extension_registry()
    return Limits(**config["limits"])


def run(channel: Channel, descriptor: int | None, task: dict[str, Any], limits: Limits) -> None:
    """Send fickling's opinion of the distilled pickle in ``descriptor``, then of the next one."""
    del limits
    while descriptor is not None:
        opinion = ask_fickling(os.pread(descriptor, task["size"], 0))
        channel.send(Message(Kind.REPLY, 0, [opinion.decompiled, opinion.severity, list(opinion.messages)]))
        os.close(descriptor)
        try:
            message, descriptor = channel.receive()
        except ChannelClosedError:
            return
        task = message.body
