"""Each thread has a tracer of its own, and they all end with the run."""

from __future__ import annotations

import threading

from secureload.cli.tracers import Tracers
from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.tracing import Tracer


def test_a_thread_keeps_its_tracer_and_no_other_thread_has_it() -> None:
    found: list[Tracer] = []
    with Tracers(DEFAULT_LIMITS) as tracers:
        assert tracers.mine() is tracers.mine()
        thread = threading.Thread(target=lambda: found.append(tracers.mine()))
        thread.start()
        thread.join()
        assert found[0] is not tracers.mine()
