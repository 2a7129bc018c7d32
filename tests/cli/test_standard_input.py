"""Standard input is copied once, under a limit, and the copy is gone afterwards."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from secureload.cli.standard_input import copied, standard_input
from secureload.errors import ArtifactError, LimitError
from secureload.limits import DEFAULT_LIMITS, Limits


@pytest.fixture
def pipe() -> int:
    reading, writing = os.pipe()
    os.write(writing, b"x" * 100)
    os.close(writing)
    return reading


def test_it_is_bounded(tmp_path: Path, pipe: int) -> None:
    with (tmp_path / "copy").open("wb") as copy, pytest.raises(LimitError) as caught:
        copied(pipe, copy.fileno(), Limits(artifact_bytes=99).artifact_bytes)
    os.close(pipe)
    assert caught.value.fields["limit"] == "artifact_bytes"


def test_the_copy_is_whole_and_gone_afterwards(monkeypatch: pytest.MonkeyPatch, pipe: int) -> None:
    with open(pipe, "rb", buffering=0) as stream:
        monkeypatch.setattr("sys.stdin", stream)
        with standard_input(DEFAULT_LIMITS) as path:
            assert path.read_bytes() == b"x" * 100
            assert path.stat().st_mode & 0o077 == 0 or path.parent.stat().st_mode & 0o077 == 0
    assert not path.exists()


def test_a_closed_one_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ArtifactError, match="it is closed"), standard_input(DEFAULT_LIMITS):
        pass
