"""A frame at a time over a connected stream socket, with a deadline on the caller's side."""

from __future__ import annotations

import array
import mmap
import os
import socket
import time
from typing import TYPE_CHECKING

from secureload.errors import SandboxError
from secureload.limits import Limits
from secureload.sandbox.wire.frame import (
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
_MAPPED_BYTES = 1 << 20
_DESCRIPTOR_SPACE = socket.CMSG_SPACE(array.array("i").itemsize)


class ChannelClosedError(SandboxError):
    """The other side is gone."""

    code = "sandbox.closed"


class ChannelTimeoutError(SandboxError):
    """The other side did not answer in time."""

    code = "sandbox.timeout"


class Channel:
    """Sends and receives messages. Not thread-safe: its owner holds a lock."""

    def __init__(self, sock: socket.socket, limits: Limits, *, takes_descriptors: bool = False) -> None:
        self._socket = sock
        self._limits = limits
        self._takes_descriptors = takes_descriptors

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def fileno(self) -> int:
        """Return the socket's descriptor, -1 once closed."""
        return self._socket.fileno()

    def send(self, message: Message, *, seconds: float | None = None, descriptor: int | None = None) -> None:
        """Send one message, optionally with one descriptor.

        Raises:
            SandboxError: it is too large, the other side is gone, or does not read in time.
        """
        buffers = encode_message(message, self._limits)
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
        raw, descriptor = self._receive_head(deadline, seconds)
        try:
            header = parse_header(raw, self._limits)
            return self._receive_rest(header, deadline, seconds), descriptor
        except SandboxError:
            if descriptor is not None:
                os.close(descriptor)
            raise

    def _receive_rest(self, header: Header, deadline: float | None, seconds: float | None) -> Message:
        control = self._exactly(header.control_bytes, deadline, seconds)
        payload = self._exactly(header.payload_bytes, deadline, seconds)
        return parse_control(header, control, payload, self._limits)

    def _receive_head(self, deadline: float | None, seconds: float | None) -> tuple[bytes, int | None]:
        if not self._takes_descriptors:
            return bytes(self._exactly(HEADER_BYTES, deadline, seconds)), None
        data = b""
        descriptor: int | None = None
        while len(data) < HEADER_BYTES:
            piece, ancillary, _, _ = self._socket.recvmsg(HEADER_BYTES - len(data), _DESCRIPTOR_SPACE)
            if not piece:
                raise _closed()
            data += piece
            for level, kind, payload in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    (descriptor,) = array.array("i", payload)
        return data, descriptor

    def _exactly(self, size: int, deadline: float | None, seconds: float | None) -> Buffer:
        buffer = _buffer(size)
        view = memoryview(buffer)
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
