"""How much memory something takes."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def most_memory(run: Callable[[], T]) -> tuple[int, T]:
    """Return the most bytes that ``run`` held of what it allocated through Python, and what it returned."""
    tracemalloc.start()
    try:
        result = run()
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()
