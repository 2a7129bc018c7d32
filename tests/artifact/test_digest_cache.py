"""The cache of digests: it forgets nothing that rests, and believes nothing that moved."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from secureload.artifact.artifact import open_artifact
from secureload.artifact.digest_cache import default_cache_file, digest_cache


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_bytes(name.encode() * 100)
    return folder


def rested(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a minute pass since the files were written."""
    import time

    now = time.time_ns() + 60 * 10**9
    monkeypatch.setattr("secureload.artifact.digest_cache.time.time_ns", lambda: now)


def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rested(monkeypatch)
    for hits in (0, 2):
        with digest_cache() as cache, open_artifact(folder, cache=cache) as artifact:
            pass
        assert cache.hits == hits
    before = (folder / "a").stat()
    (folder / "a").write_bytes(b"b" * 100)
    os.utime(folder / "a", ns=(before.st_atime_ns, before.st_mtime_ns))  # the change time tells
    with digest_cache() as cache, open_artifact(folder, cache=cache) as artifact:
        assert artifact.manifest.members[0].digest == hashlib.sha256(b"b" * 100).digest()
    assert cache.hits == 1


def test_a_file_that_was_written_a_moment_ago_is_not_noted(folder: Path) -> None:
    for _ in range(2):
        with digest_cache() as cache, open_artifact(folder, cache=cache):
            pass
        assert cache.hits == 0


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"1:2:3:4:5": "zz"}', b"[" * 10_000])
def test_a_damaged_cache_is_as_an_empty_one(folder: Path, data: bytes) -> None:
    path = default_cache_file()
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    path.chmod(0o600)
    with digest_cache() as cache, open_artifact(folder, cache=cache):
        assert cache.hits == 0


def test_a_cache_that_others_may_write_to_is_not_believed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rested(monkeypatch)
    with digest_cache() as cache, open_artifact(folder, cache=cache):
        pass
    default_cache_file().chmod(0o666)
    with digest_cache() as cache, open_artifact(folder, cache=cache):
        assert cache.hits == 0
