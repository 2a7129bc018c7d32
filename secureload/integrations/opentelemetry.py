"""Spans for OpenTelemetry: ``pip install "secureload[otel]"``, then ``instrument()`` once a process.

One span for each load, verdict, call, restart and close (``secureload.load`` …), below the span that is current
where it happens. Its attributes are the event's fields (``secureload.model``, ``secureload.outcome`` …); what did not
succeed has the status ERROR.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from secureload import events
from secureload.errors import UsageError
from secureload.events import Event

__all__ = ["instrument"]

_FINE: Final = frozenset({"accepted", "loaded", "ok"})


def instrument(tracer_provider: Any = None) -> Callable[[], None]:
    """Make spans of what happens from now on, by ``tracer_provider`` or the global one; return what ends that.

    Raises:
        UsageError: opentelemetry is not installed.
    """
    try:
        from opentelemetry import trace
    except ImportError as error:
        raise UsageError("opentelemetry is not installed", hint='pip install "secureload[otel]"') from error
    tracer = trace.get_tracer("secureload", tracer_provider=tracer_provider)

    def observe(event: Event) -> None:
        fields: Any = event.fields
        end = time.time_ns()
        start = end - int(fields.get("seconds", 0.0) * 1e9)
        attributes = {f"secureload.{name}": value for name, value in fields.items() if name != "seconds"}
        span = tracer.start_span(f"secureload.{event.kind}", start_time=start, attributes=attributes)
        if fields.get("outcome", "ok") not in _FINE:
            span.set_status(trace.Status(trace.StatusCode.ERROR, str(fields["outcome"])))
        span.end(end)

    return events.observe(observe)
