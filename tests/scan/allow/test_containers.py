"""What is saved beside models stays inside the allow-list."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from secureload.scan.allow.containers import containers
from secureload.scan.allow.recorder import record
from secureload.scan.allowlist import load_default

from ..judging import why_not

pytest.importorskip("scipy")


def test_arrays_frames_generators_splines_and_dates_use_admitted_globals_in_their_tiers() -> None:
    allow = load_default()
    labels = set()
    for label, value in containers():
        for data in pickles(value):
            recorder = record(data)
            unknown = [str(ref) for ref in recorder.imports if allow.find(ref) is None]
            reasons = [
                why for operation in recorder.operations if (why := why_not(allow, operation)) is not None
            ]
            assert (unknown, reasons) == ([], []), label
        labels.add(label)
    assert len(labels) > 150


def pickles(value: Any) -> list[bytes]:
    made = []
    for protocol in (2, 5):
        try:
            made.append(pickle.dumps(value, protocol))
        except (TypeError, AttributeError, pickle.PicklingError):
            continue  # Some scipy objects hold what a protocol cannot save.
    return made
