"""The converting role: load the admitted artifact as the loading role does, and answer about its conversion.

It is asked for its state's hash, for its bytes in another format, for inputs that it would take, and for its
outputs. The converters are named by the caller, which is trusted, and imported before the doors close.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from secureload.limits import Limits
from secureload.sandbox.channel import Channel, ChannelClosedError
from secureload.sandbox.roles import load
from secureload.sandbox.wire.frame import Kind, Message
from secureload.sandbox.wire.values import Decoder, Encoder

__all__ = ["prepare", "run", "warm_up"]

warm_up = load.warm_up
# Where the operations are: ``answer(model, own names, limits, **what the caller says)`` → data.
_OPERATIONS = "secureload.convert.inside"
_MESSAGE_CHARS = 2_000


def prepare(config: dict[str, Any]) -> Any:
    """Prepare as the loading role does, and import the converters."""
    prepared = load.prepare(config)
    importlib.import_module(_OPERATIONS).prepare(config["converters"])
    return prepared


def run(channel: Channel, descriptor: int, task: dict[str, Any], prepared: Any) -> None:
    """Load the artifact in ``descriptor`` and answer requests about it until the caller is gone."""
    prepared.pools.open()
    limits: Limits = prepared.limits
    inside = importlib.import_module(_OPERATIONS)
    operations = inside.OPERATIONS
    held: list[Any] = []

    def loaded() -> bool:
        begun = time.perf_counter()
        held.append(load.load(descriptor, task["size"], task["reading"], prepared))
        inside.note_load(time.perf_counter() - begun)
        return True

    _answer(channel, limits, 0, loaded)
    while True:
        try:
            message, _ = channel.receive()
        except ChannelClosedError:
            return
        decoder = Decoder(message.segments, limits)
        fields = {key: decoder.decode(value) for key, value in message.body["fields"].items()}
        compute = partial(operations[message.body["op"]], held[0], prepared.admitted.own_names(), limits)
        _answer(channel, limits, message.request_id, partial(compute, **fields))


def _answer(channel: Channel, limits: Limits, request_id: int, compute: Callable[[], Any]) -> None:
    encoder = Encoder(limits)
    try:
        body = {"value": encoder.encode(compute())}
    except BaseException as error:  # whatever the model raises is the caller's to hear
        failure = {
            "lineage": [[type(error).__module__, type(error).__qualname__]],
            "message": str(error)[:_MESSAGE_CHARS],
        }
        channel.send(Message(Kind.FAILURE, request_id, failure, ()))
        return
    channel.send(Message(Kind.REPLY, request_id, body, tuple(encoder.segments)))
