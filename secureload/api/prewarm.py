"""``prewarm()``: have the sandbox ready before the first model is loaded."""

from __future__ import annotations

from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.sandbox.zygotes import start_and_wait, zygote_for

__all__ = ["prewarm"]

_ROLES = ("trace", "load")


def prewarm(*, wait: bool = True, limits: Limits = DEFAULT_LIMITS) -> None:
    """Start the processes that workers are forked from, so that the next ``safe_load()`` need not.

    Without it they are started by the first load, which then waits for their imports. They belong to this process
    and end with it, have one thread, and never see a byte of any model; a process that is forked from this one
    starts its own, so call it there (in gunicorn's ``post_fork``). ``wait`` False comes back at once. Calling it
    again does nothing.

    Raises:
        SandboxError: there is no sandbox here, or it was not ready within ``worker_start_seconds``.
    """
    for role in _ROLES:
        zygote_for(role)
    if wait:
        for role in _ROLES:
            start_and_wait(role, limits.worker_start_seconds)
