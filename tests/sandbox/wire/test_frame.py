from __future__ import annotations

import contextlib
import socket
import struct
import threading

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import SandboxError
from secureload.limits import Limits
from secureload.sandbox.channel import Channel, ChannelClosedError, ChannelTimeoutError
from secureload.sandbox.wire.frame import (
    HEADER_BYTES,
    Header,
    Kind,
    Message,
    encode_header,
    encode_message,
    parse_control,
    parse_header,
)

LIMITS = Limits(message_control_bytes=1 << 16, message_payload_bytes=1 << 16, message_segments=100)
BODY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(1 << 63), (1 << 64) - 1), st.text(), st.binary()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
MESSAGES = st.builds(
    Message,
    st.sampled_from(Kind),
    st.integers(0, (1 << 32) - 1),
    BODY,
    st.lists(st.binary(), max_size=4).map(tuple),
)


def encoded(message: Message) -> bytes:
    return b"".join(encode_message(message, LIMITS))


def decoded(data: bytes) -> Message:
    header = parse_header(data[:HEADER_BYTES], LIMITS)
    middle = HEADER_BYTES + header.control_bytes
    return parse_control(header, data[HEADER_BYTES:middle], data[middle:], LIMITS)


def same(first: Message, second: Message) -> bool:
    return (first.kind, first.request_id, first.body, [bytes(part) for part in first.segments]) == (
        second.kind,
        second.request_id,
        second.body,
        [bytes(part) for part in second.segments],
    )


@settings(max_examples=150, deadline=None)
@given(MESSAGES)
def test_every_message_comes_back_as_it_was(message: Message) -> None:
    assert same(decoded(encoded(message)), message)


@settings(max_examples=40, deadline=None)
@given(MESSAGES, st.binary(max_size=40), st.integers(1, 7))
def test_a_message_arrives_whole_in_pieces_and_with_a_tail_behind_it(
    message: Message, tail: bytes, piece: int
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        data = encoded(message) + tail
        sender = threading.Thread(
            target=lambda: [theirs.sendall(data[at : at + piece]) for at in range(0, len(data), piece)]
        )
        sender.start()
        channel = Channel(ours, LIMITS)
        found, descriptor = channel.receive(seconds=20)
        sender.join()
        assert same(found, message)
        assert descriptor is None
        theirs.sendall(encoded(message))
        if not tail:
            assert same(channel.receive(seconds=20)[0], message)
        else:  # the tail is not lost: it stands where a header should
            with pytest.raises(SandboxError):
                channel.receive(seconds=20)


HEADER = struct.Struct("!4sBBHIIQ")


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"SLW1",
        HEADER.pack(b"SLW2", 5, 0, 0, 0, 0, 0),
        HEADER.pack(b"SLW1", 0, 0, 0, 0, 0, 0),
        HEADER.pack(b"SLW1", 7, 0, 0, 0, 0, 0),
        HEADER.pack(b"SLW1", 5, 2, 0, 0, 0, 0),
        HEADER.pack(b"SLW1", 5, 0, 0, 0, (1 << 16) + 1, 0),
        HEADER.pack(b"SLW1", 5, 0, 0, 0, 0xFFFFFFFF, 0),
        HEADER.pack(b"SLW1", 5, 0, 0, 0, 0, (1 << 16) + 1),
        HEADER.pack(b"SLW1", 5, 0, 0, 0, 0, (1 << 64) - 1),
    ],
)
def test_a_header_that_is_none_or_that_says_too_much_is_refused_before_a_buffer_is_made(
    header: bytes,
) -> None:
    with pytest.raises(SandboxError):
        parse_header(header, LIMITS)


def test_the_senders_processor_is_a_hint_of_any_value() -> None:
    for number in (0, 1, 0xFFFF):
        header = parse_header(HEADER.pack(b"SLW1", 5, 1, number, 7, 3, 64), LIMITS)
        assert header == Header(Kind.REPLY, 7, 3, 64, shared=True, processor=number)
        assert parse_header(encode_header(header), LIMITS) == header


@pytest.mark.parametrize(
    ("control", "payload"),
    [
        (b"", b""),
        (b"\xc1", b""),
        (msgpack.packb(None), b""),
        (msgpack.packb([1]), b""),
        (msgpack.packb([1, 2]), b""),
        (msgpack.packb([1, [], 3]), b""),
        (msgpack.packb([1, [-1]]), b""),
        (msgpack.packb([1, [1]]), b""),
        (msgpack.packb([1, [True]]), bytes(64)),
        (msgpack.packb([1, [1.0]]), bytes(64)),
        (msgpack.packb([1, []]), bytes(64)),
        (msgpack.packb([1, [(1 << 63)]]), bytes(64)),
        (msgpack.packb([1, [0] * 101]), b""),
        (msgpack.packb([{1: 2}, []]), b""),
        (msgpack.packb([1, []]) + b"\x00", b""),
        (b"\x91" * 3_000, b""),
        (b"\xdd\xff\xff\xff\xff", b""),
        (b"\xdb\x7f\xff\xff\xff", b""),
        (msgpack.packb([msgpack.ExtType(4, b"x"), [(1)]]), b""),
    ],
)
def test_a_control_part_that_does_not_fit_is_refused(control: bytes, payload: bytes) -> None:
    head = HEADER.pack(b"SLW1", 5, 0, 0, 0, len(control), len(payload))
    with pytest.raises(SandboxError):
        decoded(head + control + payload)


@settings(max_examples=300, deadline=None)
@given(MESSAGES, st.integers(0, 1 << 20), st.integers(1, 255), st.integers(0, 4))
def test_a_message_with_changed_bytes_is_a_message_or_a_sandbox_error(
    message: Message, where: int, flip: int, cut: int
) -> None:
    data = bytearray(encoded(message))
    data[where % len(data)] ^= flip
    with contextlib.suppress(SandboxError):
        assert isinstance(decoded(bytes(data[: len(data) - cut])), Message)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=120))
def test_any_control_part_is_a_message_or_a_sandbox_error(control: bytes) -> None:
    head = HEADER.pack(b"SLW1", 5, 0, 0, 0, len(control), 0)
    with contextlib.suppress(SandboxError):
        assert isinstance(decoded(head + control), Message)


def test_a_message_that_is_too_large_is_not_sent() -> None:
    for message in (
        Message(Kind.REPLY, 0, "x" * (1 << 17)),
        Message(Kind.REPLY, 0, None, (bytes(1 << 17),)),
        Message(Kind.REPLY, 0, None, (b"",) * 101),
    ):
        with pytest.raises(SandboxError) as caught:
            encode_message(message, LIMITS)
        assert caught.value.fields["limit"]


def test_an_other_side_that_says_nothing_is_a_time_out_and_one_that_is_gone_is_closed() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        channel = Channel(ours, LIMITS)
        with pytest.raises(ChannelTimeoutError):
            channel.receive(seconds=0.05)
        theirs.sendall(b"SLW1")
        theirs.close()
        with pytest.raises(ChannelClosedError):
            channel.receive(seconds=5)
