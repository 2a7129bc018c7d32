"""Hash and verify by turns in one process that has done both before, and print the seconds of each call as JSON.

Run by the benchmark as ``python -m benchmarks.trusting.in_process PATH ROUNDS NAME``: what a program sees that calls
:func:`secureload.verify`, without the start of Python and of the command line.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import secureload
from secureload.api.verify import trusted, verify_artifact
from secureload.artifact.artifact import open_artifact
from secureload.limits import DEFAULT_LIMITS

__all__ = ["hash_alone", "verify_sealed"]


def hash_alone(path: Path) -> None:
    """Hash every file one after the other, as a script would."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        if file.is_file():
            with file.open("rb", buffering=0) as opened:
                hashlib.file_digest(opened, "sha256").hexdigest()


def verify_sealed(path: str | Path) -> None:
    """Verify a file and keep the bytes that were hashed, as ``check`` and ``safe_load`` do before they go on."""
    store = trusted(None, DEFAULT_LIMITS)
    with open_artifact(path) as artifact:
        verify_artifact(artifact, store, name=None, threshold=1, limits=DEFAULT_LIMITS).require()


def main() -> None:
    """Measure, and print."""
    path, rounds, name = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    calls: dict[str, Callable[[], object]] = {
        "hashlib": lambda: hash_alone(path),
        "secureload.verify()": lambda: secureload.verify(path, name=name),
    }
    if path.is_file():
        calls["verify, sealed copy"] = lambda: verify_sealed(path)
    seconds: dict[str, list[float]] = {what: [] for what in calls}
    for turn in range(rounds + 1):
        for what, call in calls.items():
            begin = time.perf_counter()
            call()
            if turn:  # the first turn does not count
                seconds[what].append(time.perf_counter() - begin)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
