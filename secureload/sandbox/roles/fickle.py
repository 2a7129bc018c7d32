"""The role of the third reader: fickling, confined, over distilled pickles and originals, one after the other."""

from __future__ import annotations

import importlib
import os
from typing import Any

from secureload.limits import Limits
from secureload.pickles.fickling_reader import ask_fickling, fickling_imports
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
    """Send what fickling says of the pickle in ``descriptor``, distilled or original, then of the next one."""
    del limits
    while descriptor is not None:
        data = os.pread(descriptor, task["size"], 0)
        channel.send(Message(Kind.REPLY, 0, _imports(data) if task.get("original") else _opinion(data)))
        os.close(descriptor)
        try:
            message, descriptor = channel.receive()
        except ChannelClosedError:
            return
        task = message.body


def _opinion(distilled: bytes) -> list[Any]:
    opinion = ask_fickling(distilled)
    return [opinion.decompiled, opinion.severity, list(opinion.messages)]


def _imports(original: bytes) -> list[Any]:
    """Return what fickling sees imported, and "", or nothing and why it could not read it."""
    try:
        return [[list(pair) for pair in fickling_imports(original)], ""]
    except Exception as error:  # fickling's own errors and those that its input leads it to
        return [[], f"{type(error).__name__}: {error}" if str(error) else type(error).__name__]
