from __future__ import annotations

import os
import socket
from typing import Any

import pytest

from secureload.errors import SandboxError
from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.channel import Channel, ChannelClosedError, ChannelTimeoutError
from secureload.sandbox.wire.frame import Kind, Message


def test_a_descriptor_rides_along_and_is_not_taken_by_a_side_that_takes_none() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        Channel(ours, DEFAULT_LIMITS).send(Message(Kind.OPEN, 0, {"a": 1}), descriptor=0)
        message, descriptor = Channel(theirs, DEFAULT_LIMITS, takes_descriptors=True).receive()
        assert message.body == {"a": 1}
        assert descriptor is not None
        os.close(descriptor)
        Channel(ours, DEFAULT_LIMITS).send(Message(Kind.OPEN, 0, {}), descriptor=0)
        assert Channel(theirs, DEFAULT_LIMITS).receive()[1] is None


class _EndsOnceAsked(socket.socket):
    """A socket whose other side has answered and ended by the time that the message is sent."""

    def send(self, *_: Any) -> int:
        raise BrokenPipeError("the other side is gone")


def test_a_worker_that_answers_at_once_and_ends_is_not_taken_for_one_that_died() -> None:
    ours, theirs = socket.socketpair()
    with _EndsOnceAsked(fileno=ours.detach()) as sock, theirs:
        Channel(sock, DEFAULT_LIMITS).send(Message(Kind.OPEN, 0, {"size": 5}), descriptor=0)
        assert theirs.recv(100).startswith(b"SLW1")


def test_a_message_that_nobody_reads_is_a_time_out() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(ChannelTimeoutError):
        Channel(ours, DEFAULT_LIMITS).send(Message(Kind.REQUEST, 1, None, (bytes(8 << 20),)), seconds=0.1)


def test_sending_to_and_receiving_from_a_side_that_is_gone_is_closed() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours:
        channel = Channel(ours, DEFAULT_LIMITS)
        with pytest.raises(ChannelClosedError):
            channel.send(Message(Kind.REQUEST, 1, None))
        with pytest.raises(ChannelClosedError):
            channel.receive()


def test_what_is_no_frame_closes_the_descriptor_that_came_with_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        before = len(os.listdir("/proc/self/fd"))
        socket.send_fds(ours, [b"x" * 24], [0])
        with pytest.raises(SandboxError):
            Channel(theirs, DEFAULT_LIMITS, takes_descriptors=True).receive()
        assert len(os.listdir("/proc/self/fd")) == before


def test_every_message_says_where_its_sender_runs() -> None:
    ours, theirs = socket.socketpair()
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        with ours, theirs:
            sender, receiver = Channel(ours, DEFAULT_LIMITS), Channel(theirs, DEFAULT_LIMITS)
            sender.send(Message(Kind.REPLY, 1, {"value": 1}))
            assert receiver.receive_frame().header.processor == min(before) + 1
            sender.send_staged(Kind.REPLY, 1, b"\x90", 8, sender.stage(b"12345678", 8))
            assert receiver.receive_frame().header.processor == min(before) + 1
    finally:
        os.sched_setaffinity(0, before)
