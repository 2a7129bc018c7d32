"""Each load and each verdict is logged, with what came of it."""

from __future__ import annotations

import inspect
import logging
from pathlib import Path

import pytest

import secureload
from secureload.pickles.assembler import Assembler
from secureload.signing.truststore import TrustStore

from .conftest import Save


def test_a_load_and_its_verdict_are_logged_with_their_particulars(
    save: Save, store: TrustStore, caplog: pytest.LogCaptureFixture
) -> None:
    path = save({"a": 1})
    with caplog.at_level(logging.INFO, "secureload"):
        secureload.safe_load(path, trust_store=store)
    verdict, load = caplog.records
    assert (verdict.name, verdict.secureload_outcome) == ("secureload.verdict", "accepted")
    assert (
        verdict.secureload_sha256 == secureload.verify(path, trust_store=store).manifest.subject_digest.hex()
    )
    assert (load.name, load.secureload_outcome, load.secureload_model) == (
        "secureload.load",
        "loaded",
        "model.joblib",
    )
    assert load.secureload_seconds > 0


def test_what_is_refused_is_logged_as_a_warning_with_the_code_of_the_error(
    save: Save, store: TrustStore, caplog: pytest.LogCaptureFixture
) -> None:
    path = save(Assembler(4).global_("unheard.of", "Thing").mark().tuple_().newobj().stop(), "unknown.pkl")
    with caplog.at_level(logging.INFO, "secureload"):
        with pytest.raises(secureload.PolicyError):
            secureload.safe_load(path, trust_store=store)
        with pytest.raises(secureload.UsageError):
            secureload.safe_load(Path("nowhere.pkl"), trust_store=store)
        with pytest.raises(secureload.UsageError):
            secureload.safe_load(None, trust_store=store)  # type: ignore[arg-type]
    told = [
        (record.levelname, record.secureload_event, record.secureload_outcome) for record in caplog.records
    ]
    assert told == [
        ("WARNING", "verdict", "undecided"),
        ("WARNING", "load", "policy"),
        ("WARNING", "load", "usage"),
        ("WARNING", "load", "usage"),
    ]


def test_the_signature_that_a_caller_sees_is_that_of_safe_load() -> None:
    assert next(iter(inspect.signature(secureload.safe_load).parameters)) == "path"
