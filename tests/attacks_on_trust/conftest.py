"""The parties, and a memory of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from .parties import Parties


@pytest.fixture
def parties(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parties:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Parties.meet(tmp_path)
