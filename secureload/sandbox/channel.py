"""A frame at a time over a connected stream socket, with a deadline on the caller's side."""

from __future__ import annotations

import array
import mmap
import os
import socket
import time
from typing import TYPE_CHECKING

from secureload.errors import SandboxError, SandboxTimeoutError
from secureload.limits import Limits
from secureload.sandbox.arena import Arena
from secureload.sandbox.wire.frame import (
    ALIGNMENT,
    HEADER_BYTES,
    Header,
    Message,
    encode_message,
    parse_control,
    parse_header,
)

if TYPE_CHECKING:
    from secureload.sandbox.wire.frame import Buffer

__all__ = ["Channel", "ChannelClosedError", "ChannelTimeoutError"]

_JOINED_BYTES = 1 << 16
# One read takes a whole message of this size: a system call less is a tenth of a small call's time.
_READ_BYTES = 1 << 16
_MAPPED_BYTES = 1 << 20
# From here on writing to shared memory is quicker than sending.
_SHARED_BYTES = 1 << 15
_DESCRIPTOR_SPACE = socket.CMSG_SPACE(array.array("i").itemsize)


class ChannelClosedError(SandboxError):
    """The other side is gone."""

    code = "sandbox.closed"


class ChannelTimeoutError(SandboxTimeoutError):
    """The other side did not answer in time."""


class Channel:
    """Sends and receives messages. Not thread-safe: its owner holds a lock."""

    def __init__(self, sock: socket.socket, limits: Limits, *, takes_descriptors: bool = False) -> None:
        self._socket = sock
        self._limits = limits
        self._takes_descriptors = takes_descriptors
        self._arena: Arena | None = None
        self._read = bytearray(_READ_BYTES)
        self._surplus = b""  # what was read of the next message
        # Whether the other side may still be sent payloads in the shared memory: an object there has kept none.
        self.shares = True

    def share(self, arena: Arena) -> None:
        """Use ``arena`` for large payloads from now on."""
        self._arena = arena

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
        buffers = encode_message(message, self._limits, shared=shared)
        if len(buffers) > 1 and sum(len(buffer) for buffer in buffers) <= _JOINED_BYTES:
            buffers = [b"".join(buffers)]
        deadline = None if seconds is None else time.monotonic() + seconds
        self._set_deadline(seconds)
        try:
            if descriptor is not None:
                first = memoryview(buffers[0])
                sent = socket.send_fds(self._socket, [first], [descriptor])
                buffers[0] = first[sent:]
            for position, buffer in enumerate(buffers):
                if position:
                    self._set_deadline(_left(deadline))
                if len(buffer):  # sending nothing to a worker that has answered and ended is an error too
                    self._socket.sendall(buffer)
        except TimeoutError as error:
            raise _timed_out(seconds) from error
        except OSError as error:
            raise _closed() from error

    def receive(self, *, seconds: float | None = None) -> tuple[Message, int | None]:
        """Receive one message and the descriptor that came with it, if this side takes any.

        Raises:
            SandboxError: the other side is gone, too slow, or does not keep to the protocol.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        size, descriptor = self._first(deadline, seconds)
        try:
            header = parse_header(self._read[:HEADER_BYTES], self._limits)
            return self._rest(header, size, deadline, seconds), descriptor
        except SandboxError:
            if descriptor is not None:
                os.close(descriptor)
            raise

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

    def _first(self, deadline: float | None, seconds: float | None) -> tuple[int, int | None]:
        """Read at least a header into the buffer, mostly a whole message; return how much, and a descriptor."""
        view = memoryview(self._read)
        size = len(self._surplus)
        view[:size] = self._surplus
        self._surplus = b""
        descriptor: int | None = None
        while size < HEADER_BYTES:
            self._set_deadline(seconds if not size else _left(deadline))
            try:
                if self._takes_descriptors:
                    received, ancillary, _, _ = self._socket.recvmsg_into([view[size:]], _DESCRIPTOR_SPACE)
                    for level, kind, payload in ancillary:
                        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                            (descriptor,) = array.array("i", payload)
                else:
                    received = self._socket.recv_into(view[size:])
            except TimeoutError as error:
                raise _timed_out(seconds) from error
            except OSError as error:
                raise _closed() from error
            if not received:
                raise _closed()
            size += received
        return size, descriptor

    def _rest(self, header: Header, size: int, deadline: float | None, seconds: float | None) -> Message:
        wanted = header.control_bytes + (0 if header.shared else header.payload_bytes)
        end = HEADER_BYTES + wanted
        if size >= end:
            whole: Buffer = self._read[HEADER_BYTES:end]
            self._surplus = bytes(self._read[end:size])
        else:
            whole = self._exactly(wanted, deadline, seconds, self._read[HEADER_BYTES:size])
        control = memoryview(whole)[: header.control_bytes]
        if not header.shared:
            return parse_control(header, control, memoryview(whole)[header.control_bytes :], self._limits)
        if self._arena is None:
            raise SandboxError("the wire to the sandbox broke: no memory is shared")
        return parse_control(header, control, self._arena.take(header.payload_bytes), self._limits)

    def _exactly(
        self, size: int, deadline: float | None, seconds: float | None, begun: bytes | bytearray
    ) -> Buffer:
        buffer = _buffer(size)
        view = memoryview(buffer)
        view[: len(begun)] = begun
        view = view[len(begun) :]
        while view:
            self._set_deadline(_left(deadline))
            try:
                received = self._socket.recv_into(view)
            except TimeoutError as error:
                raise _timed_out(seconds) from error
            except OSError as error:
                raise _closed() from error
            if not received:
                raise _closed()
            view = view[received:]
            if deadline is not None and time.monotonic() > deadline and view:
                raise _timed_out(seconds)
        return buffer

    def _set_deadline(self, seconds: float | None) -> None:
        if self._socket.gettimeout() != seconds:
            self._socket.settimeout(seconds)


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


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(deadline - time.monotonic(), 0.001)


def _closed() -> ChannelClosedError:
    return ChannelClosedError("the sandboxed worker is gone", hint="load the model again")


def _timed_out(seconds: float | None) -> ChannelTimeoutError:
    waited = "in time" if seconds is None else f"within {seconds:g} s"
    return ChannelTimeoutError(
        f"the sandboxed worker did not answer {waited}", hint="raise the time limit, or look at the model"
    )
