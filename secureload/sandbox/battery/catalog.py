"""All attempts of the battery, by name."""

from __future__ import annotations

from typing import Final

from secureload.sandbox.battery import files, memory, network, processes, surface
from secureload.sandbox.battery.attempt import Attempt

__all__ = ["ATTEMPTS", "EARLY", "UNCOUNTED"]

ATTEMPTS: Final[dict[str, Attempt]] = {
    attempt.name: attempt
    for room in (files, network, processes, surface, memory)
    for attempt in room.ATTEMPTS
}
# Needs a thread from before the doors were closed, and so a worker that has no Landlock.
EARLY: Final = "files: read in a thread from before"
# The kernel counts threads neither for root nor host-wide: the memory limit bounds them.
UNCOUNTED: Final = "limits: thread flood"
