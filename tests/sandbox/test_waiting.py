"""Waiting for an answer: however long it looks before it sleeps, it gets what comes and ends at its deadline."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from secureload.sandbox import waiting as waiting_module
from secureload.sandbox.kernel import processor
from secureload.sandbox.waiting import Waiting

AWAKE, EXPECTED = 0.005, 0.2


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def ways(sock: socket.socket) -> list[Waiting]:
    """A side that sleeps at once, one that looks, and one that also expects."""
    return [
        Waiting(sock),
        Waiting(sock, awake_seconds=AWAKE),
        Waiting(sock, awake_seconds=AWAKE, expected_seconds=EXPECTED),
    ]


@pytest.mark.parametrize("way", range(3))
@pytest.mark.parametrize("delay", [0.0, 0.001, 0.02, 0.3])
def test_what_comes_is_received_however_it_is_waited_for(
    ends: tuple[socket.socket, socket.socket], way: int, delay: float
) -> None:
    ours, theirs = ends
    waiting, buffer = ways(ours)[way], memoryview(bytearray(16))
    for number in range(4):  # the second and later ones know how long the last took
        answer = b"answer %d" % number
        timer = threading.Timer(delay, theirs.send, [answer])
        timer.start()
        size = waiting.receive_into(buffer, time.monotonic() + 60)
        timer.join()
        assert bytes(buffer[:size]) == answer


@pytest.mark.parametrize("way", range(3))
def test_a_deadline_ends_the_wait_also_where_an_answer_is_expected_later(
    ends: tuple[socket.socket, socket.socket], way: int
) -> None:
    ours, theirs = ends
    waiting, buffer = ways(ours)[way], memoryview(bytearray(16))
    for delay in (0.0, 0.1):
        timer = threading.Timer(delay, theirs.send, [b"x"])
        timer.start()
        assert waiting.receive_into(buffer, time.monotonic() + 60) == 1
        timer.join()
        with pytest.raises(TimeoutError):
            waiting.receive_into(buffer, time.monotonic() + 0.02)
    with pytest.raises(TimeoutError):
        waiting.receive_into(buffer, time.monotonic() - 1)


@pytest.mark.parametrize("way", range(3))
def test_a_side_that_is_gone_is_noticed_at_once(ends: tuple[socket.socket, socket.socket], way: int) -> None:
    ours, theirs = ends
    waiting = ways(ours)[way]
    theirs.close()
    assert waiting.receive_into(memoryview(bytearray(16)), None) == 0


def test_nobody_looks_where_both_sides_share_a_processor_or_there_is_one_only(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = ends
    looks = []
    monkeypatch.setattr(waiting_module.os, "sched_yield", lambda: looks.append("look"))
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        alone = Waiting(ours, awake_seconds=AWAKE, expected_seconds=EXPECTED)
        waiting = Waiting(ours, awake_seconds=AWAKE, expected_seconds=EXPECTED)
        waiting._expected = EXPECTED
        waiting._awake = AWAKE
        waiting.here = waiting.partner = processor()
        for each in (alone, waiting):
            each._last = 0.0
            with pytest.raises(TimeoutError):
                each.receive_into(memoryview(bytearray(16)), time.monotonic() + 0.01)
        assert looks == []
        waiting._last, waiting.partner = 0.0, processor() + 1
        with pytest.raises(TimeoutError):
            waiting.receive_into(memoryview(bytearray(16)), time.monotonic() + 0.01)
        assert looks
    finally:
        os.sched_setaffinity(0, before)


def test_a_descriptor_that_select_does_not_know_is_waited_for_too(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = ends
    monkeypatch.setattr(waiting_module, "_SELECTED_DESCRIPTORS", 0)
    monkeypatch.setattr(select, "select", None)
    waiting, buffer = Waiting(ours, awake_seconds=AWAKE, expected_seconds=EXPECTED), memoryview(bytearray(16))
    for _ in range(3):
        timer = threading.Timer(0.03, theirs.send, [b"x"])
        timer.start()
        assert waiting.receive_into(buffer, time.monotonic() + 60) == 1
        timer.join()


def test_the_processor_is_counted_from_one_and_unknown_where_the_library_cannot_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert 1 <= processor() <= (os.cpu_count() or 1)
    from secureload.sandbox import kernel

    monkeypatch.setattr(kernel, "_getcpu", lambda: -1)
    assert processor() == 0


@pytest.mark.parametrize("together", [True, False])
def test_what_came_before_the_deadline_is_received_after_it_too(
    ends: tuple[socket.socket, socket.socket], together: bool
) -> None:
    ours, theirs = ends
    waiting, buffer = Waiting(ours), memoryview(bytearray(16))
    waiting.here, waiting.partner = 1, 1 if together else 2
    theirs.send(b"answer")
    assert waiting.receive_into(buffer, time.monotonic() - 1) == len(b"answer")
    with pytest.raises(TimeoutError):
        waiting.receive_into(buffer, time.monotonic() - 1)
