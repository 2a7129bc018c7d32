"""A frame at a time over a connected stream socket, with a deadline on the caller's side."""

from __future__ import annotations

import array
import mmap
import os
import select
import socket
import time
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from secureload.errors import SandboxError, SandboxTimeoutError
from secureload.limits import Limits
from secureload.sandbox.arena import Arena
from secureload.sandbox.kernel import processor
from secureload.sandbox.waiting import Waiting
from secureload.sandbox.wire.frame import (
    ALIGNMENT,
    HEADER_BYTES,
    Header,
    Kind,
    Message,
    encode_message,
    pack_header,
    padding,
    parse_control,
    parse_header,
    within,
)

if TYPE_CHECKING:
    from secureload.sandbox.wire.frame import Buffer

__all__ = ["Channel", "ChannelClosedError", "ChannelTimeoutError", "Frame", "Place"]

_JOINED_BYTES: Final = 1 << 16
# One read takes a whole message of this size: a system call less is a tenth of a small call's time.
_READ_BYTES: Final = 1 << 16
_MAPPED_BYTES: Final = 1 << 20
# From here on writing to shared memory is quicker than sending.
_SHARED_BYTES: Final = 1 << 15
# Members of an enumeration are looked up anew each time, in the time of some hundred instructions.
_DONTWAIT: Final = int(socket.MSG_DONTWAIT)
_DESCRIPTOR_SPACE: Final = socket.CMSG_SPACE(array.array("i").itemsize)


class ChannelClosedError(SandboxError):
    """The other side is gone."""

    code = "sandbox.closed"


class ChannelTimeoutError(SandboxTimeoutError):
    """The other side did not answer in time."""


class Place(IntEnum):
    """Where a payload lies."""

    READ = 0  # in the buffer that the next frame is read into
    OWN = 1  # in a buffer of its own
    SHARED = 2  # in the shared memory


_PLACE_READ: Final = Place.READ  # looked up once; see above


class Frame(NamedTuple):
    """A frame that has come, its control part not parsed yet.

    The payload is valid until the next frame is received, and for the parent not even that where it is shared:
    the worker may change it at any time, so it is copied before it is looked at.
    """

    header: Header
    control: bytes
    payload: Buffer
    place: Place
    descriptor: int | None


class Channel:
    """Sends and receives messages. Not thread-safe: its owner holds a lock."""

    def __init__(self, sock: socket.socket, limits: Limits, *, takes_descriptors: bool = False) -> None:
        sock.settimeout(None)  # an application may have set a default for all sockets
        self._socket = sock
        self._limits = limits
        self._takes_descriptors = takes_descriptors
        self._arena: Arena | None = None
        self._read = memoryview(bytearray(_READ_BYTES))
        self._surplus = b""  # what was read of the next message
        self._waiting = Waiting(sock)
        # Whether the other side may still be sent payloads in the shared memory: an object there has kept none.
        self.shares = True

    def share(self, arena: Arena) -> None:
        """Use ``arena`` for large payloads from now on."""
        self._arena = arena

    def converse(self, *, awake_seconds: float, expected_seconds: float = 0.0) -> None:
        """Exchange short questions and answers from now on, and no descriptors; see :class:`Waiting`."""
        self._takes_descriptors = False
        self._waiting = Waiting(self._socket, awake_seconds=awake_seconds, expected_seconds=expected_seconds)

    def close(self) -> None:
        """Close the socket, and unmap what was shared."""
        self._socket.close()
        if self._arena is not None:
            self._arena.close()

    def settle(self, *, kept: bool) -> None:
        """Say that an exchange is over; ``kept`` where the other side needs what it was sent for longer."""
        if kept:
            self.shares = False
        if self._arena is not None and self.shares:
            self._arena.give_back()

    def fileno(self) -> int:
        """Return the socket's descriptor, -1 once closed."""
        return self._socket.fileno()

    def send(self, message: Message, *, seconds: float | None = None, descriptor: int | None = None) -> None:
        """Send one message, optionally with one descriptor.

        Raises:
            SandboxError: it is too large, the other side is gone, or does not read in time.
        """
        shared = self._put(message)
        here = self._waiting.here = processor()
        buffers = encode_message(message, self._limits, shared=shared, processor=here)
        if len(buffers) > 1 and sum(len(buffer) for buffer in buffers) <= _JOINED_BYTES:
            buffers = [b"".join(buffers)]
        deadline = None if seconds is None else time.monotonic() + seconds
        try:
            if descriptor is not None:
                first = memoryview(buffers[0])
                sent = socket.send_fds(self._socket, [first], [descriptor])
                buffers[0] = first[sent:]
            for buffer in buffers:
                if len(buffer):  # sending nothing to a worker that has answered and ended is an error too
                    self._transmit(buffer, deadline)
        except TimeoutError as error:
            raise _timed_out(seconds) from error
        except OSError as error:
            raise _closed() from error

    def stages(self, size: int) -> bool:
        """Whether a payload of ``size`` bytes can be staged; a larger one is sent as a whole message."""
        return size <= _SHARED_BYTES or (
            self.shares and self._arena is not None and self._arena.has_room(size)
        )

    def stage(self, flat: Any, size: int) -> bytes:
        """Copy ``flat``, an array of ``size`` bytes in C order, to where the next message is sent from.

        What is returned is its payload, empty where that is in the shared memory.
        """
        if size <= _SHARED_BYTES or self._arena is None:
            return b"".join((flat, padding(size)))
        self._arena.put_array(flat, size)
        return b""

    def send_staged(
        self,
        kind: Kind,
        request_id: int,
        control: bytes,
        size: int,
        staged: bytes,
        seconds: float | None = None,
    ) -> None:
        """Send a message with the payload that was staged.

        Raises:
            SandboxError: it is too large, the other side is gone, or does not read in time.
        """
        payload_bytes = size + -size % ALIGNMENT
        within(len(control), payload_bytes, 1, self._limits)
        here = self._waiting.here = processor()
        data = pack_header(kind, request_id, len(control), payload_bytes, not staged, here) + control + staged
        try:
            self._transmit(data, None if seconds is None else time.monotonic() + seconds)
        except TimeoutError as error:
            raise _timed_out(seconds) from error
        except OSError as error:
            raise _closed() from error

    def receive(self, *, seconds: float | None = None) -> tuple[Message, int | None]:
        """Receive one message and the descriptor that came with it, if this side takes any.

        Raises:
            SandboxError: the other side is gone, too slow, or does not keep to the protocol.
        """
        frame = self.receive_frame(seconds=seconds)
        try:
            return self.whole(frame), frame.descriptor
        except SandboxError:
            if frame.descriptor is not None:
                os.close(frame.descriptor)
            raise

    def receive_frame(self, *, seconds: float | None = None) -> Frame:
        """Receive one frame, of which the lengths alone were looked at.

        Raises:
            SandboxError: the other side is gone, too slow, or does not keep to the protocol.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        try:
            size, descriptor = self._first(deadline)
            try:
                return self._framed(size, deadline, descriptor)
            except BaseException:
                if descriptor is not None:
                    os.close(descriptor)
                raise
        except TimeoutError as error:
            raise _timed_out(seconds) from error
        except OSError as error:
            raise _closed() from error

    def whole(self, frame: Frame) -> Message:
        """Parse ``frame`` into a message that nothing changes any more.

        Raises:
            SandboxError: its parts do not fit together.
        """
        payload = frame.payload
        if frame.place is Place.READ:
            payload = bytearray(payload)
        elif frame.place is Place.SHARED and self._arena is not None:
            payload = self._arena.own(payload)
        return parse_control(frame.header, frame.control, payload, self._limits)

    def _put(self, message: Message) -> bool:
        """Write a large payload to the shared memory if it may be used and has room; return whether it was."""
        arena = self._arena
        if arena is None or not self.shares or not message.segments:
            return False
        size = sum(-(-len(segment) // ALIGNMENT) * ALIGNMENT for segment in message.segments)
        if size <= _SHARED_BYTES or not arena.has_room(size):
            return False
        arena.put(message.segments)
        return True

    def _first(self, deadline: float | None) -> tuple[int, int | None]:
        """Read at least a header into the buffer, mostly a whole frame; return how much, and a descriptor."""
        size = 0
        if self._surplus:
            size = len(self._surplus)
            self._read[:size] = self._surplus
            self._surplus = b""
        descriptor: int | None = None
        while size < HEADER_BYTES:
            into = self._read[size:] if size else self._read
            if self._takes_descriptors:
                received, descriptor = self._with_descriptor(into, descriptor)
            else:
                received = self._waiting.receive_into(into, deadline)
            if not received:
                raise _closed()
            size += received
        return size, descriptor

    def _with_descriptor(self, into: memoryview, descriptor: int | None) -> tuple[int, int | None]:
        received, ancillary, _, _ = self._socket.recvmsg_into([into], _DESCRIPTOR_SPACE)
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                (descriptor,) = array.array("i", payload)
        return received, descriptor

    def _framed(self, size: int, deadline: float | None, descriptor: int | None) -> Frame:
        """Return the frame of which ``size`` bytes were read, after reading what is missing."""
        header = parse_header(self._read, self._limits)
        self._waiting.partner = header.processor
        middle = HEADER_BYTES + header.control_bytes
        end = middle if header.shared else middle + header.payload_bytes
        if size >= end:
            if size > end:
                self._surplus = bytes(self._read[end:size])
            control, payload = self._read[HEADER_BYTES:middle].tobytes(), self._read[middle:end]
            place = _PLACE_READ
        else:
            rest = memoryview(self._exactly(end - HEADER_BYTES, deadline, self._read[HEADER_BYTES:size]))
            control, payload = bytes(rest[: header.control_bytes]), rest[header.control_bytes :]
            place = Place.OWN
        if not header.shared:
            return Frame(header, control, payload, place, descriptor)
        if self._arena is None:
            raise SandboxError("the wire to the sandbox broke: no memory is shared")
        return Frame(header, control, self._arena.there(header.payload_bytes), Place.SHARED, descriptor)

    def _exactly(self, size: int, deadline: float | None, begun: memoryview) -> Buffer:
        buffer = _buffer(size)
        view = memoryview(buffer)
        view[: len(begun)] = begun
        view = view[len(begun) :]
        while view:
            received = self._waiting.receive_into(view, deadline)
            if not received:
                raise _closed()
            view = view[received:]
            if deadline is not None and time.monotonic() > deadline and view:
                raise TimeoutError
        return buffer

    def _transmit(self, data: Buffer, deadline: float | None) -> None:
        sent = self._some_sent(data)
        if sent == len(data):  # nearly always
            return
        view = memoryview(data)[sent:]
        while view:
            sent = self._some_sent(view)
            if not sent:
                self._wait_for_room(deadline)
            view = view[sent:]

    def _some_sent(self, data: Buffer) -> int:
        try:
            return self._socket.send(data, _DONTWAIT)
        except BlockingIOError:
            return 0

    def _wait_for_room(self, deadline: float | None) -> None:
        writable = select.poll()
        writable.register(self._socket, select.POLLOUT)
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        writable.poll(None if left is None else left * 1e3 + 1)


def _buffer(size: int) -> Buffer:
    """Return a writable buffer. A large one takes memory as it is filled, not because a header says so."""
    if size < _MAPPED_BYTES:
        return bytearray(size)
    try:
        return memoryview(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
    except (OSError, MemoryError) as error:
        raise SandboxError(
            f"there is no memory for a message of {size:,} bytes", hint="send fewer rows at a time"
        ) from error


def _closed() -> ChannelClosedError:
    return ChannelClosedError("the sandboxed worker is gone", hint="load the model again")


def _timed_out(seconds: float | None) -> ChannelTimeoutError:
    waited = "in time" if seconds is None else f"within {seconds:g} s"
    return ChannelTimeoutError(
        f"the sandboxed worker did not answer {waited}", hint="raise the time limit, or look at the model"
    )
