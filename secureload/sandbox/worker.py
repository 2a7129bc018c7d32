"""The worker: configured, locked down, proved, and only then given an artifact.

It reads its configuration (which comes from the parent and is trusted), imports what the admitted payload
names, closes the doors, tries a few of them, says READY with a report of each layer, and waits for the
descriptor. What follows is the role's: tracing or serving a model.
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
from typing import Any, NoReturn

from secureload.limits import Limits
from secureload.sandbox.arena import Arena
from secureload.sandbox.channel import Channel
from secureload.sandbox.layers.layer import LayerReport
from secureload.sandbox.layers.namespaces import has_user_namespace
from secureload.sandbox.layers.privileges import die_with_parent
from secureload.sandbox.layers.rlimits import ResourceLimits
from secureload.sandbox.lockdown import lock_down, self_test
from secureload.sandbox.roles.absent import NotImportedError
from secureload.sandbox.wire.frame import Kind, Message

__all__ = ["ROLES", "run_worker"]

# Role → module with ``prepare(config)`` (before the lock-down) and ``run(channel, descriptor, config, state)``.
ROLES = {
    "trace": "secureload.sandbox.roles.trace",
    "fickle": "secureload.sandbox.roles.fickle",
    "load": "secureload.sandbox.roles.load",
    "convert": "secureload.sandbox.roles.convert",
    "battery": "secureload.sandbox.roles.battery",
}


def run_worker(descriptor: int, namespaces: LayerReport, *, whole: bool) -> NoReturn:
    """Run one worker to its end on the socket ``descriptor``; never returns.

    One that is not ``whole`` says so when it comes to need what was not imported.
    """
    die_with_parent()  # from the first import on; closing the doors asks for it again
    sock = socket.socket(fileno=descriptor)
    limits = Limits()
    channel = Channel(sock, limits, takes_descriptors=True)
    try:
        _run(channel, namespaces, whole=whole)
    except BaseException as error:  # the process ends here; the parent is told why if it still listens
        _tell(channel, error)
        os._exit(1)
    os._exit(0)


def _run(channel: Channel, namespaces: LayerReport, *, whole: bool) -> None:
    message, shared = channel.receive()
    config: dict[str, Any] = message.body
    if shared is not None:
        # Now or never: behind the filter there are no shared mappings.
        channel.share(Arena(shared, config["shared_bytes"], parent=False))
        os.close(shared)
    role = importlib.import_module(ROLES[config["role"]])
    state = role.prepare(config)
    limits = ResourceLimits(
        memory_bytes=config["memory_bytes"],
        open_files=config["open_files"],
        threads=config["threads"] if has_user_namespace(namespaces) else 0,
        cpu_seconds=config["cpu_seconds"],
    )
    relaxed = config["filter"] == "relaxed"
    reports = lock_down(limits, namespaces, relaxed=relaxed, readable=tuple(config["readable"]))
    body = {
        "layers": [[report.name, report.state, report.detail] for report in reports],
        "open_doors": list(self_test(reports, relaxed=relaxed)),
    }
    channel.send(Message(Kind.READY, 0, body))
    if not whole and config["role"] == "trace":
        sys.meta_path.insert(0, _Absent())
    message, descriptor = channel.receive()
    if message.kind is not Kind.OPEN or descriptor is None:
        raise RuntimeError("no artifact came")
    role.run(channel, descriptor, message.body, state)


class _Absent:
    """Finds nothing, and says that it was asked: behind the filter no module can be read."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Raise :class:`NotImportedError`."""
        raise NotImportedError(fullname)


def _tell(channel: Channel, error: BaseException) -> None:
    try:
        try:
            import traceback
        except ImportError:  # behind the filter nothing is imported any more
            where = "behind closed doors"
        else:
            where = " < ".join(
                f"{f.name}:{f.lineno}" for f in reversed(traceback.extract_tb(error.__traceback__)[-4:])
            )
        body = {"type": type(error).__name__, "message": f"{str(error)[:500]} (in {where})"}
        if isinstance(error, ImportError) and error.name is not None:
            body["module"] = error.name
        channel.send(Message(Kind.FAILURE, 0, body))
    except Exception:  # noqa: S110  # there is nobody left to tell
        pass
