"""Shared memory: sized for good, copied before it is believed, and never written under an array that lives on."""

from __future__ import annotations

import mmap
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from secureload.errors import SandboxError
from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox import arena as arena_module
from secureload.sandbox.arena import Arena, open_arena
from secureload.sandbox.channel import Channel
from secureload.sandbox.wire.frame import Kind, Message

SIZE = 1 << 20
LARGE = bytes(range(256)) * 256


@contextmanager
def both() -> Iterator[tuple[Arena, Arena, int]]:
    parent, descriptor = open_arena(SIZE)
    try:
        yield parent, Arena(descriptor, SIZE, parent=False), descriptor
    finally:
        os.close(descriptor)
        parent.close()


@contextmanager
def channels() -> Iterator[tuple[Channel, Channel]]:
    ours, theirs = socket.socketpair()
    with ours, theirs, both() as (parent, worker, _):
        here, there = Channel(ours, DEFAULT_LIMITS), Channel(theirs, DEFAULT_LIMITS)
        here.share(parent)
        there.share(worker)
        yield here, there


def test_the_worker_cannot_change_the_size_under_its_parent() -> None:
    with both() as (_, _, descriptor):
        for size in (0, SIZE // 2, SIZE * 2):
            with pytest.raises(PermissionError):
                os.ftruncate(descriptor, size)


def test_what_each_side_writes_the_other_side_reads() -> None:
    with both() as (parent, worker, _):
        parent.put([b"abc", b"defg"])
        assert bytes(worker.take(68)) == b"abc" + bytes(61) + b"defg"
        worker.put([b"reply"])
        assert bytes(parent.take(5)) == b"reply"
        assert bytes(worker.take(3)) == b"abc"  # the halves are apart


def test_what_the_worker_changes_after_its_reply_is_not_seen() -> None:
    with both() as (parent, worker, _):
        worker.put([b"honest"])
        taken = parent.take(6)
        worker.put([b"forged"])
        assert bytes(taken) == b"honest"


@pytest.mark.parametrize("size", [-1, SIZE // 2 + 1, 1 << 62])
def test_a_payload_outside_of_the_shared_memory_is_refused(size: int) -> None:
    with both() as (parent, _, _), pytest.raises(SandboxError, match="outside of the shared memory"):
        parent.take(size)


def test_large_payloads_travel_in_the_shared_memory_and_small_ones_on_the_wire() -> None:
    with channels() as (here, there):
        for segments, shared in (((LARGE,), True), ((b"small",), False), ((LARGE, b"x", LARGE), True)):
            here.send(Message(Kind.REQUEST, 1, {"a": 1}, segments))
            message, _ = there.receive()
            assert (message.shared, [bytes(segment) for segment in message.segments]) == (
                shared,
                list(segments),
            )
            there.send(replace(message, kind=Kind.REPLY, segments=segments))
            answer, _ = here.receive()
            assert [bytes(segment) for segment in answer.segments] == list(segments)


def test_what_has_no_room_travels_on_the_wire() -> None:
    with channels() as (here, there):
        big = bytes(SIZE)
        import threading

        sender = threading.Thread(target=lambda: here.send(Message(Kind.REQUEST, 1, None, (big,))))
        sender.start()
        message, _ = there.receive()
        sender.join()
        assert (message.shared, bytes(message.segments[0]) == big) == (False, True)


def test_after_an_array_was_kept_nothing_is_written_there_any_more() -> None:
    with channels() as (here, there):
        here.send(Message(Kind.REQUEST, 1, None, (LARGE,)))
        kept, _ = there.receive()
        here.settle(kept=True)
        here.send(Message(Kind.REQUEST, 2, None, (bytes(40_000),)))
        second, _ = there.receive()
        assert (second.shared, bytes(kept.segments[0]) == LARGE) == (False, True)


def test_a_message_that_says_it_is_shared_where_nothing_is_shared_is_refused() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, both() as (parent, _, _):
        liar = Channel(theirs, DEFAULT_LIMITS)
        liar.share(parent)
        liar.send(Message(Kind.REPLY, 1, None, (LARGE,)))
        with pytest.raises(SandboxError, match="no memory is shared"):
            Channel(ours, DEFAULT_LIMITS).receive()


def test_large_payloads_give_their_memory_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arena_module, "_KEPT_BYTES", 1_000)
    with both() as (parent, worker, descriptor):
        parent.put([bytes(100_000)])
        assert os.fstat(descriptor).st_blocks > 0
        parent.give_back()
        assert os.fstat(descriptor).st_blocks == 0
        parent.put([b"again"])
        assert bytes(worker.take(5)) == b"again"


def test_no_room_for_shared_memory_is_an_error_of_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError("no memory")

    monkeypatch.setattr(mmap, "mmap", refused)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(SandboxError, match="no shared memory"):
        open_arena(SIZE)
    assert len(os.listdir("/proc/self/fd")) == before
