"""A tracer for each thread of a run, which they keep from file to file; fickling's opinions are shared."""

from __future__ import annotations

import threading

from secureload.limits import Limits
from secureload.sandbox.opinions import Opinions
from secureload.sandbox.tracing import Tracer

__all__ = ["Tracers"]


class Tracers:
    """The tracers of a run. Use it in a ``with`` block: they end with it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._opinions = Opinions(limits)
        self._here = threading.local()
        self._all: list[Tracer] = []
        self._lock = threading.Lock()

    def mine(self) -> Tracer:
        """Return the tracer of the calling thread."""
        found: Tracer | None = getattr(self._here, "tracer", None)
        if found is None:
            found = self._here.tracer = Tracer(self._limits, self._opinions)
            with self._lock:
                self._all.append(found)
        return found

    def __enter__(self) -> Tracers:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            for tracer in self._all:
                tracer.close()
            self._all.clear()
        self._opinions.close()
