"""The role of the escape battery: a worker that is locked down as every other, and then tries to get out."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from secureload.limits import Limits
from secureload.sandbox.battery.attempt import Scene, outcome
from secureload.sandbox.battery.catalog import ATTEMPTS
from secureload.sandbox.battery.early import start_early_thread
from secureload.sandbox.battery.memory import prepare_code
from secureload.sandbox.battery.wire import SPEECHES
from secureload.sandbox.channel import Channel, ChannelClosedError
from secureload.sandbox.wire.frame import Kind, Message

__all__ = ["prepare", "run", "warm_up"]


def warm_up() -> None:
    """Import what the role needs; called in the zygote."""
    importlib.import_module("secureload.sandbox.worker")
    importlib.import_module("numpy")
    importlib.import_module("subprocess")  # for os.popen


def prepare(config: dict[str, Any]) -> Limits:
    """Put things in place that attempts use, before the doors are closed."""
    prepare_code()
    if config["early_thread"]:
        start_early_thread()
    return Limits(**config["limits"])


def run(channel: Channel, descriptor: int | None, task: dict[str, Any], limits: Limits) -> None:
    """Make the attempts that are asked for, with the artifact in ``descriptor`` open, or say something hostile."""
    del descriptor  # it stays open: attempts look for it
    if "speak" in task:
        SPEECHES[task["speak"]].speak(channel, limits)
        return
    scene = Scene(Path(task["folder"]), task["victim"])
    names = task["names"]
    while True:
        found = {name: outcome(ATTEMPTS[name], scene) for name in names}
        channel.send(Message(Kind.REPLY, 0, found))
        try:
            message, _ = channel.receive()
        except ChannelClosedError:
            return
        names = message.body["names"]
