"""Whom a warning is about: the code that called into this package."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

__all__ = ["callers_level"]

_PACKAGE = str(Path(__file__).parents[1])


def callers_level() -> int:
    """Return the ``stacklevel`` of the nearest code outside of this package, for a warning of whoever calls this."""
    level = 0
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
        level += 1
    return level
