"""Metrics for Prometheus: ``pip install "secureload[prometheus]"``, then ``instrument()`` once a process.

``secureload_loads_total{outcome}``, ``secureload_load_seconds``, ``secureload_verdicts_total{outcome}``,
``secureload_calls_total{model, method, outcome}``, ``secureload_call_seconds{model, method}`` and
``secureload_restarts_total{model}``. A model is named by its file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from secureload import events
from secureload.errors import UsageError
from secureload.events import Event

__all__ = ["instrument"]

# A call of a small model is some tens of microseconds, a time-out some minutes.
_CALL_BUCKETS: Final = (
    0.0001,
    0.0003,
    0.001,
    0.003,
    0.01,
    0.03,
    0.1,
    0.3,
    1.0,
    3.0,
    10.0,
    30.0,
    100.0,
    300.0,
)
_LOAD_BUCKETS: Final = (0.03, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 100.0, 300.0)


def instrument(registry: Any = None) -> Callable[[], None]:
    """Count and time what happens from now on in ``registry``, by default prometheus_client's own.

    Returns what ends that and takes the metrics off the registry again.

    Raises:
        UsageError: prometheus_client is not installed, or the registry has these metrics already.
    """
    try:
        import prometheus_client
    except ImportError as error:
        raise UsageError(
            "prometheus_client is not installed", hint='pip install "secureload[prometheus]"'
        ) from error
    registry = prometheus_client.REGISTRY if registry is None else registry
    metrics = _Metrics(prometheus_client, registry)
    stop = events.observe(metrics.observe)

    def end() -> None:
        stop()
        metrics.remove()

    return end


class _Metrics:
    def __init__(self, client: Any, registry: Any) -> None:
        self._registry = registry
        self._made: list[Any] = []
        try:
            self._loads = self._add(client.Counter, "loads", "Loads by outcome", ["outcome"])
            self._load_seconds = self._add(
                client.Histogram, "load_seconds", "Time of a load", [], buckets=_LOAD_BUCKETS
            )
            self._verdicts = self._add(client.Counter, "verdicts", "Verdicts by outcome", ["outcome"])
            labels = ["model", "method"]
            self._calls = self._add(client.Counter, "calls", "Calls by outcome", [*labels, "outcome"])
            self._call_seconds = self._add(
                client.Histogram, "call_seconds", "Time of a call", labels, buckets=_CALL_BUCKETS
            )
            self._restarts = self._add(client.Counter, "restarts", "Workers started again", ["model"])
        except ValueError as error:
            self.remove()
            raise UsageError(
                "this registry has the metrics of secureload already", hint="call instrument() once a process"
            ) from error

    def _add(self, kind: Any, name: str, text: str, labels: list[str], **options: Any) -> Any:
        metric = kind(
            f"secureload_{name}", f"{text} (secureload).", labels, registry=self._registry, **options
        )
        self._made.append(metric)
        return metric

    def remove(self) -> None:
        """Take the metrics off the registry."""
        while self._made:
            self._registry.unregister(self._made.pop())

    def observe(self, event: Event) -> None:
        """Count and time one event."""
        fields: Any = event.fields
        if event.kind == events.CALL:
            model, method = fields["model"], str(fields["method"]).rpartition(".")[2]
            self._calls.labels(model, method, fields["outcome"]).inc()
            self._call_seconds.labels(model, method).observe(fields["seconds"])
        elif event.kind == events.LOAD:
            self._loads.labels(fields["outcome"]).inc()
            self._load_seconds.observe(fields["seconds"])
        elif event.kind == events.VERDICT:
            self._verdicts.labels(fields["outcome"]).inc()
        elif event.kind == events.RESTART:
            self._restarts.labels(fields["model"]).inc()
