"""What was seen before: the higher version stays, each trust store has its own, one writer at a time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from secureload.errors import UsageError
from secureload.policy.signature_rules import NO_MEMORY
from secureload.trust.memory import forget, memory_path, read_memory, remember

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "secureload"


def test_the_highest_version_of_each_model_stays(tmp_path: Path) -> None:
    assert read_memory(tmp_path) == NO_MEMORY
    for version in ("1.9", "1.10", "1.2"):
        remember(tmp_path, {"fraud": version}, NOW)
    remember(tmp_path, {"churn": "3"}, NOW)
    assert read_memory(tmp_path).versions == {"fraud": "1.10", "churn": "3"}
    remember(tmp_path, {"fraud": "1.2"}, NOW, lower=True)
    assert read_memory(tmp_path).versions["fraud"] == "1.2"


def test_each_trust_store_has_a_memory_of_its_own(tmp_path: Path) -> None:
    remember(tmp_path / "one", {"fraud": "2"}, NOW)
    assert read_memory(tmp_path / "other") == NO_MEMORY
    assert forget(tmp_path / "one").versions == {"fraud": "2"}
    assert read_memory(tmp_path / "one") == NO_MEMORY


def test_the_latest_time_never_goes_back(tmp_path: Path) -> None:
    remember(tmp_path, {}, NOW)
    remember(tmp_path, {"fraud": "1"}, NOW - timedelta(days=30))
    assert read_memory(tmp_path).latest == NOW
    remember(tmp_path, {}, NOW + timedelta(days=1))
    assert read_memory(tmp_path).latest == NOW + timedelta(days=1)


@pytest.mark.parametrize("data", [b"", b"{}", b'{"version":1,"latest":"x","models":{}}', b"\xff" * 10])
def test_a_damaged_memory_is_an_error_and_not_a_fresh_start(tmp_path: Path, data: bytes) -> None:
    path = memory_path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    with pytest.raises(UsageError, match="cannot be read"):
        read_memory(tmp_path)
    forget(tmp_path)
    assert read_memory(tmp_path) == NO_MEMORY


def test_a_memory_that_everybody_may_write_to_is_refused(tmp_path: Path) -> None:
    remember(tmp_path, {"fraud": "2"}, NOW)
    memory_path(tmp_path).chmod(0o666)
    with pytest.raises(UsageError, match="everybody may write"):
        read_memory(tmp_path)


def test_many_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [
        threading.Thread(target=remember, args=(tmp_path, {f"model-{number}": "1"}, NOW))
        for number in range(8)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(read_memory(tmp_path).versions) == 8
