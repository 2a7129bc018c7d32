"""A worker that dies now and then is started again; one that dies again and again is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import CrashLoopError
from secureload.sandbox.restarts import RestartBudget


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_as_many_restarts_as_are_allowed_and_then_an_error_that_says_why() -> None:
    clock = Clock()
    budget = RestartBudget(2, 60, clock)
    budget.spend(Exception("first"))
    budget.spend(Exception("second"))
    with pytest.raises(CrashLoopError, match="after 2 restarts within 60 s: it fell over") as caught:
        budget.spend(Exception("it fell over"))
    assert dict(caught.value.fields) == {"restarts": 2, "seconds": 60}
    clock.now = 59.9
    with pytest.raises(CrashLoopError):
        budget.spend(Exception("still"))
    clock.now = 60
    budget.spend(Exception("long after"))


@given(
    st.integers(1, 5),
    st.floats(0.1, 100),
    st.lists(st.floats(0, 50), min_size=1, max_size=60),
)
def test_no_window_of_time_has_more_restarts_than_are_allowed(
    allowed: int, seconds: float, waits: list[float]
) -> None:
    clock = Clock()
    budget = RestartBudget(allowed, seconds, clock)
    spent: list[float] = []
    for wait in waits:
        clock.now += wait
        try:
            budget.spend(Exception("again"))
        except CrashLoopError:
            assert len([at for at in spent if clock.now - at < seconds]) == allowed
        else:
            spent.append(clock.now)
            assert len([at for at in spent if clock.now - at < seconds]) <= allowed
