"""Several at a time, in whatever order they end; Ctrl-C keeps what is done."""

from __future__ import annotations

import threading
import time

import pytest

from secureload.cli.loop import Stopped, cores, each


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_every_piece_is_done_once_and_known_by_its_place(jobs: int) -> None:
    seen: list[tuple[int, int]] = []
    done = each(
        range(50),
        lambda number: number * number,
        jobs=jobs,
        progress=lambda *step: seen.append(step),
        stop=threading.Event(),
    )
    assert done == {number: number * number for number in range(50)}
    assert seen == [(number, 50) for number in range(1, 51)]


def test_several_are_under_way_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=30)
    done = each([1, 2], lambda _: meeting.wait() >= 0, jobs=2, stop=threading.Event())
    assert done == {0: True, 1: True}


def test_an_error_that_nobody_thought_of_is_not_lost() -> None:
    with pytest.raises(ZeroDivisionError):
        each([1, 0, 1], lambda number: 1 // number, jobs=2, stop=threading.Event())


def test_ctrl_c_keeps_what_is_done_by_one_after_the_other() -> None:
    stop = threading.Event()

    def one(number: int) -> int:
        if number == 3:
            raise KeyboardInterrupt
        return number

    assert each(range(10), one, jobs=1, stop=stop) == {0: 0, 1: 1, 2: 2}
    assert stop.is_set()


def test_ctrl_c_keeps_what_is_done_by_several_and_lets_the_others_know() -> None:
    stop = threading.Event()
    ended = threading.Event()

    def one(number: int) -> int:
        if number == 0:
            return number
        while not stop.is_set():
            time.sleep(0.001)
        ended.set()
        raise Stopped

    def pressed(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    done = each(range(10), one, jobs=2, progress=pressed, stop=stop)
    assert done == {0: 0}
    assert ended.wait(30)


def test_there_is_at_least_one_core() -> None:
    assert cores() >= 1
