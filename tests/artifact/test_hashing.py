"""Members side by side: the digests of the plain loop, its errors, and no descriptor left."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from secureload.artifact import hashing
from secureload.artifact.artifact import open_artifact
from secureload.artifact.hashing import Hashing
from secureload.artifact.opening import open_regular
from secureload.errors import LimitError
from secureload.limits import Limits


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(hashing, "_LARGE_BYTES", 10)  # so that the files of the test are large
    for number in range(30):
        (tmp_path / f"{number:02}").write_bytes(bytes([number]) * (5 + number))
    return tmp_path


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_digests_and_the_progress_are_those_of_the_loop(folder: Path, workers: int) -> None:
    seen: list[int] = []
    work = Hashing(lambda done, _total: seen.append(done), workers=workers)
    before = len(os.listdir("/proc/self/fd"))
    pending = [
        work.start(*open_regular(str(path), shown="it"), "it", 1_000) for path in sorted(folder.iterdir())
    ]
    found = [result().digest for result in pending]
    work.close()
    assert found == [hashlib.sha256(path.read_bytes()).digest() for path in sorted(folder.iterdir())]
    assert max(seen) == sum(path.stat().st_size for path in folder.iterdir())
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_limit_counts_all_members_and_names_the_one_that_reached_it(folder: Path) -> None:
    with pytest.raises(LimitError) as caught:
        open_artifact(folder, Limits(artifact_bytes=100))
    assert caught.value.fields["limit"] == "artifact_bytes"
    assert caught.value.fields["member"]
