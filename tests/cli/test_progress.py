"""Nobody sees a progress bar who does not look."""

from __future__ import annotations

from pathlib import Path

import pytest

from secureload.cli.progress import _bytes_since, progress_of


def test_without_a_terminal_there_is_no_bar(tmp_path: Path) -> None:
    with progress_of(tmp_path) as progress:
        assert progress is None


def test_a_small_or_missing_file_needs_no_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for path in (tmp_path / "missing", Path("x" * 5_000)):
        with progress_of(path) as progress:
            assert progress is None


def test_a_folder_at_a_terminal_has_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with progress_of(tmp_path) as progress:
        assert progress is not None
        progress(1, 0)
        progress(10, 10)


def test_the_bytes_are_shown_with_how_many_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secureload.cli.progress.time.monotonic", lambda: 12.0)
    describe = _bytes_since(10.0)
    assert describe(100_000_000, 400_000_000) == "100 of 400 MB, 50 MB/s"
    assert describe(100_000_000, 0) == "100 MB, 50 MB/s"
