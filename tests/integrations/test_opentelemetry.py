"""Loads, verdicts, calls and closes as spans, read back from the exporter in memory of the SDK."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

import secureload
from secureload import UsageError
from secureload.integrations.opentelemetry import instrument

from .conftest import Save

pytest.importorskip("opentelemetry.sdk", reason="opentelemetry-sdk is not installed")


@pytest.fixture
def provider() -> Any:
    from opentelemetry.sdk.trace import TracerProvider

    return TracerProvider()


@pytest.fixture
def exporter(provider: Any) -> Any:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    made = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(made))
    return made


def test_each_load_verdict_and_call_is_a_span_below_the_callers(
    save: Save, store: Path, scaler: Any, provider: Any, exporter: Any
) -> None:
    end = instrument(provider)
    tracer = provider.get_tracer("test")
    try:
        with tracer.start_as_current_span("request") as request:
            with secureload.safe_load(save(scaler), trust_store=store) as model:
                model.transform([[1.0]])
                asyncio.run(_awaited(model))
                with pytest.raises(ValueError, match="features"):
                    model.transform([[1.0, 2.0]])
            parent = request.get_span_context().span_id
    finally:
        end()
    spans = [span for span in exporter.get_finished_spans() if span.name != "request"]
    assert [span.name for span in spans] == [
        "secureload.verdict",
        "secureload.load",
        *["secureload.call"] * 3,
        "secureload.close",
    ]
    assert {span.parent.span_id for span in spans} == {parent}
    assert {span.attributes["secureload.model"] for span in spans} == {"model.joblib"}
    load, call, _, failed = spans[1:5]
    assert load.end_time > load.start_time
    assert call.attributes["secureload.method"] == "StandardScaler.transform"
    assert call.status.is_unset
    assert failed.attributes["secureload.outcome"] == "ValueError"
    assert not failed.status.is_ok
    assert not failed.status.is_unset


async def _awaited(model: Any) -> None:
    await model.atransform([[1.0]])


def test_a_load_that_is_refused_is_a_span_with_the_code_of_the_error(
    save: Save, store: Path, provider: Any, exporter: Any
) -> None:
    path = save({"a": 1})
    Path(f"{path}.sig").unlink()
    end = instrument(provider)
    try:
        with pytest.raises(secureload.TrustError):
            secureload.safe_load(path, trust_store=store)
    finally:
        end()
    (span,) = exporter.get_finished_spans()
    assert span.attributes["secureload.outcome"] == "trust.unsigned"
    with pytest.raises(secureload.TrustError):
        secureload.safe_load(path, trust_store=store)
    assert len(exporter.get_finished_spans()) == 1


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(UsageError) as caught:
        instrument()
    assert "secureload[otel]" in caught.value.hint
