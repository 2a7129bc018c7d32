"""What a benchmark was run on."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

__all__ = ["machine"]


def machine() -> str:
    """Say what was measured on, without names of hosts."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "scikit-learn", "joblib"))
    cpus = len(os.sched_getaffinity(0))
    kernel = platform.release().split("-")[0]
    return f"{model}, {cpus} CPUs, Linux {kernel}, Python {platform.python_version()}, {versions}"
