"""What is saved beside models stays inside the allow-list, in the tiers that the evidence gave it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from secureload.scan.allow.containers import numpy_values, scipy_values
from secureload.scan.allow.estimators import Case
from secureload.scan.allow.frames import pandas_values
from secureload.scan.allow.recorder import record
from secureload.scan.allow.standard import standard_values
from secureload.scan.allowlist import load_default

from ..judging import why_not

pytest.importorskip("scipy")
pytest.importorskip("pandas")


def everything() -> Iterator[Case]:
    for values in (standard_values, numpy_values, scipy_values, pandas_values):
        yield from values()


def test_arrays_frames_generators_splines_and_dates_use_admitted_globals_in_their_tiers() -> None:
    allow = load_default()
    labels = set()
    for label, value in everything():
        for data in pickles(value):
            recorder = record(data)
            unknown = [str(ref) for ref in recorder.imports if allow.find(ref) is None]
            # The recorder of evidence keeps no states: what needs them is judged by test_trial.
            reasons = [
                why for operation in recorder.operations if (why := why_not(allow, operation)) is not None
            ]
            assert (unknown, reasons) == ([], []), label
        labels.add(label)
    assert len(labels) > 450


def test_each_kind_of_time_zone_and_each_function_of_builtins_has_its_case() -> None:
    labels = {label for label, _ in everything()}
    assert {"ZoneInfo", "timezone", "function abs", "exception ValueError", "itemgetter"} <= labels
    assert sum(label.startswith("time zone") for label in labels) >= 6
    assert sum(label.startswith("offset") for label in labels) >= 30


def pickles(value: Any) -> list[bytes]:
    made = []
    for protocol in (4, 5):
        try:
            made.append(pickle.dumps(value, protocol))
        except (TypeError, AttributeError, pickle.PicklingError):
            continue  # Some scipy objects hold what a protocol cannot save.
    return made
