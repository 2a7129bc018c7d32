"""Loads, verdicts, calls, their times and restarts, read back from a registry of prometheus_client."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

import secureload
from secureload import PolicyError, UsageError
from secureload.integrations.prometheus import instrument
from secureload.pickles.assembler import Assembler

from .conftest import Save

prometheus_client = pytest.importorskip("prometheus_client", reason="secureload[prometheus] is not installed")


def test_what_happens_is_counted_and_timed(save: Save, store: Path, scaler: Any) -> None:
    registry = prometheus_client.CollectorRegistry()

    def value(name: str, **labels: str) -> float:
        return registry.get_sample_value(f"secureload_{name}", labels) or 0.0

    end = instrument(registry)
    try:
        with secureload.safe_load(save(scaler), trust_store=store) as model:
            model.transform([[1.0]])
            with pytest.raises(ValueError, match="features"):
                model.transform([[1.0, 2.0]])
            os.kill(model.pids[0], signal.SIGKILL)
            while model.restarts == 0:  # it may be dying still
                with contextlib.suppress(secureload.SandboxError):
                    model.transform([[1.0]])
        unknown = Assembler(4).global_("unheard.of", "Thing").mark().tuple_().newobj().stop()
        with pytest.raises(PolicyError):
            secureload.safe_load(save(unknown, "unknown.pkl"), trust_store=store)
        labels = {"model": "model.joblib", "method": "transform"}
        assert value("calls_total", **labels, outcome="ok") >= 2
        assert value("calls_total", **labels, outcome="ValueError") == 1
        assert value("call_seconds_count", **labels) >= 3
        assert 0 < value("call_seconds_sum", **labels) < 300
        assert value("verdicts_total", outcome="accepted") == 1
        assert value("verdicts_total", outcome="undecided") == 1
        assert value("loads_total", outcome="loaded") == 1
        assert value("loads_total", outcome="policy") == 1
        assert value("load_seconds_count") == 2
        assert value("restarts_total", model="model.joblib") == 1
    finally:
        end()


def test_a_registry_has_them_once_and_gives_them_up(save: Save, store: Path) -> None:
    registry = prometheus_client.CollectorRegistry()
    end = instrument(registry)
    with pytest.raises(UsageError, match="already"):
        instrument(registry)
    assert "secureload_loads" in prometheus_client.generate_latest(registry).decode()
    end()
    assert prometheus_client.generate_latest(registry) == b""
    instrument(registry)()


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(UsageError) as caught:
        instrument()
    assert "secureload[prometheus]" in caught.value.hint
