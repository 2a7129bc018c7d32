"""Limits of single calls: in a block, for one model, in one thread or task."""

from __future__ import annotations

import math
import threading

import pytest

from secureload import UsageError
from secureload.sandbox.call_limits import CallLimits, call_limits, limited

ONE, OTHER = object(), object()


def test_limits_hold_in_their_block_for_their_model_and_inner_blocks_refine_outer_ones() -> None:
    assert call_limits(ONE) is None
    with limited(ONE, CallLimits(timeout_seconds=5, memory_bytes=10)):
        with limited(ONE, CallLimits(timeout_seconds=1)), limited(OTHER, CallLimits(memory_bytes=7)):
            assert call_limits(ONE) == CallLimits(1, 10)
            assert call_limits(OTHER) == CallLimits(None, 7)
        assert call_limits(ONE) == CallLimits(5, 10)
        assert call_limits(OTHER) is None
    assert call_limits(ONE) is None


def test_limits_of_one_thread_are_not_those_of_another() -> None:
    seen: list[CallLimits | None] = []
    with limited(ONE, CallLimits(timeout_seconds=5)):
        thread = threading.Thread(target=lambda: seen.append(call_limits(ONE)))
        thread.start()
        thread.join()
    assert seen == [None]


@pytest.mark.parametrize("seconds", [0, -1, math.inf, math.nan, "1", True])
def test_what_is_no_time_is_refused(seconds: object) -> None:
    with pytest.raises(UsageError, match="time-out"):
        CallLimits(timeout_seconds=seconds)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, -1, 1.5, "1", True])
def test_what_is_no_size_is_refused(size: object) -> None:
    with pytest.raises(UsageError, match="memory limit"):
        CallLimits(memory_bytes=size)  # type: ignore[arg-type]
