"""Objects that honest libraries pickle as a dangerous call; they are written, and never read."""

from __future__ import annotations

import importlib
import io
import os
import subprocess
from typing import Any

__all__ = ["PLANTED", "Planted"]

PLANTED: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "os-system": (os.system, ("echo hello",)),
    "eval": (eval, ("1 + 1",)),
    "popen": (subprocess.Popen, (["echo", "hello"],)),
    "open": (io.open, ("/nonexistent/canary", "w")),
    "import": (importlib.import_module, ("this",)),
}


class Planted:
    """An object that says of itself that it is rebuilt by the call ``key``."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        """Return the call."""
        return PLANTED[self.key]
