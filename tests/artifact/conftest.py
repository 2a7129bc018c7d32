from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def open_descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


@pytest.fixture(autouse=True)
def no_descriptor_leaks() -> Iterator[None]:
    """Every test of this folder, whatever it provokes, leaves as many descriptors open as it found."""
    before = len(open_descriptors())
    yield
    assert len(open_descriptors()) == before


@pytest.fixture
def as_nobody(tmp_path: Path) -> Callable[[str], str]:
    """Run code in a process without any right to read what is ours, and return what it prints."""

    def run(code: str) -> str:
        drop = "import os\nif os.geteuid() == 0: os.setgroups([]), os.setgid(65534), os.setuid(65534)\n"
        # Imported before the rights go: the checkout itself may be closed to others.
        head = "import secureload.artifact.artifact, secureload.artifact.sidecar, secureload.errors\n"
        done = subprocess.run(
            [sys.executable, "-c", head + drop + textwrap.dedent(code)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o755)
    return run
