"""A model that tries to get out of the worker that it was loaded into, by the attempts of the battery."""

from __future__ import annotations

from pathlib import Path

from secureload.sandbox.battery.attempt import Scene, outcome
from secureload.sandbox.battery.catalog import ATTEMPTS
from secureload.sandbox.battery.memory import prepare_code

ESCAPING = f"{__name__}:Escaping"

# Before the doors are closed: later there is no executable memory to be had.
prepare_code()


class Escaping:
    """Its method runs in the worker."""

    def attempt(self, name: str, folder: str, victim: int) -> str:
        return outcome(ATTEMPTS[name], Scene(Path(folder), victim))
