"""What happens is told to the standard library's logging and to observers, and never gets in the way."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from secureload import events
from secureload.events import Event


def test_the_logger_has_a_handler_that_does_nothing_and_no_other() -> None:
    assert [type(handler) for handler in logging.getLogger("secureload").handlers] == [logging.NullHandler]


def test_nothing_is_printed_where_nobody_configured_logging() -> None:
    code = "from secureload import events; events.emit(events.RESTART, model='m', reason='died')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_record_carries_its_particulars(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "secureload"):
        events.emit(events.CALL, model="m.joblib", method="Pipeline.predict", outcome="ok", seconds=0.25)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("secureload.call", logging.DEBUG)
    assert (
        record.getMessage() == "call model='m.joblib' method='Pipeline.predict' outcome='ok' seconds=0.250000"
    )
    fields = {name: value for name, value in vars(record).items() if name.startswith("secureload_")}
    assert fields == {
        "secureload_event": "call",
        "secureload_model": "m.joblib",
        "secureload_method": "Pipeline.predict",
        "secureload_outcome": "ok",
        "secureload_seconds": 0.25,
    }


@pytest.mark.parametrize(
    ("kind", "outcome", "level"),
    [
        (events.LOAD, "loaded", logging.INFO),
        (events.LOAD, "trust.unsigned", logging.WARNING),
        (events.VERDICT, "accepted", logging.INFO),
        (events.VERDICT, "rejected", logging.WARNING),
        (events.RESTART, "", logging.WARNING),
    ],
)
def test_what_went_wrong_is_a_warning(
    caplog: pytest.LogCaptureFixture, kind: str, outcome: str, level: int
) -> None:
    with caplog.at_level(logging.DEBUG, "secureload"):
        events.emit(kind, outcome=outcome)
    assert [record.levelno for record in caplog.records] == [level]


def test_observers_hear_until_they_stop_and_one_that_fails_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[Event] = []

    def fail(_event: Event) -> None:
        raise RuntimeError("of the observer's own")

    stop_failing, stop = events.observe(fail), events.observe(heard.append)
    try:
        assert events.wanted(events.CALL)
        events.emit(events.CLOSE, model="m")
    finally:
        stop_failing()
        stop()
        stop()
    events.emit(events.CLOSE, model="unheard")
    assert [(event.kind, dict(event.fields)) for event in heard] == [("close", {"model": "m"})]
    assert "of the observer's own" in caplog.text
    with pytest.raises(TypeError):
        heard[0].fields["model"] = "other"  # type: ignore[index]
