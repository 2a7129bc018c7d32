"""What one call may take: set for a block of code and a model, in every thread and task on its own."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from secureload.errors import UsageError
from secureload.values import dataclass

__all__ = ["CallLimits", "call_limits", "limited"]


@dataclass(frozen=True, slots=True)
class CallLimits:
    """The bounds of a call; None leaves one as it is.

    ``timeout_seconds``: from the moment when its worker takes it, to the whole answer. ``memory_bytes``: what the
    worker may take beyond what it has when the call begins.
    """

    timeout_seconds: float | None = None
    memory_bytes: int | None = None
    settings: dict[str, Any] | None = None  # scikit-learn's, of the calling thread

    def __post_init__(self) -> None:
        """Raise :class:`UsageError` for what is no time, or no size."""
        seconds, size = self.timeout_seconds, self.memory_bytes
        if seconds is not None and not (_is_number(seconds) and 0 < seconds < math.inf):
            raise UsageError(f"a time-out is a number of seconds above 0, not {seconds!r}")
        if size is not None and not (type(size) is int and size > 0):
            raise UsageError(f"a memory limit is a number of bytes above 0, not {size!r}")

    def over(self, outer: CallLimits | None) -> CallLimits:
        """Return these limits, with those of ``outer`` where nothing is said here."""
        if outer is None:
            return self
        return CallLimits(
            outer.timeout_seconds if self.timeout_seconds is None else self.timeout_seconds,
            outer.memory_bytes if self.memory_bytes is None else self.memory_bytes,
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# Pairs of a model and its limits, the innermost block first. One variable for all models: a context keeps its
# variables for ever.
_blocks: ContextVar[tuple[tuple[object, CallLimits], ...]] = ContextVar("secureload_call_limits", default=())


def call_limits(model: object) -> CallLimits | None:
    """Return the limits that hold for a call of ``model`` here; None where no block sets any."""
    blocks = _blocks.get()
    if not blocks:
        return None
    return next((limits for owner, limits in blocks if owner is model), None)


@contextmanager
def limited(model: object, limits: CallLimits) -> Iterator[None]:
    """Let ``limits`` hold for the calls of ``model`` in this block, and in the tasks that are started in it."""
    token = _blocks.set(((model, limits.over(call_limits(model))), *_blocks.get()))
    try:
        yield
    finally:
        _blocks.reset(token)
