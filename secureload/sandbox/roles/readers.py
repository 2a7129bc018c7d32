"""What the tracing role needs for anything but a plain pickle: every reader, and what readers import late."""

from __future__ import annotations

import importlib

from secureload.scan.dangerous import techniques
from secureload.scan.survey import import_readers

__all__ = ["warm_up"]

# What a worker would otherwise import after each fork, or could not import any more.
# A codec is a module, too: those that readers name and that the interpreter does not import by itself.
_LATE = (
    "backports.zstd",
    "encodings.cp437",
    "encodings.utf_16_le",
    "lz4.frame",
    "secureload.scan.embedded",
    "secureload.scan.explained",
)


def warm_up() -> None:
    """Import them; called in the zygote."""
    for module in _LATE:
        importlib.import_module(module)
    import_readers()
    techniques()  # a table that is read from a file once
