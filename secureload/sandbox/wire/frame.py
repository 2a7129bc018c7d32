"""One frame: a fixed header, a control part in msgpack, and raw segments behind it. No I/O here.

======  ====  ===================================================
offset  size  field (network byte order)
======  ====  ===================================================
0       4     magic ``SLW1``
4       1     kind of message
5       1     where the payload is: 0 behind the control part, 1 in the shared memory
6       2     the sender's processor, counted from 1; 0 where it is not known (a hint for the receiver's wait)
8       4     request id
12      4     length of the control part in bytes
16      8     length of the payload in bytes: all segments, each padded to 64
======  ====  ===================================================

The control part is ``[body, [segment lengths]]``. The same rules hold in both directions, and the parent
applies them to a worker that it takes to be hostile: every length is checked against :class:`Limits` before
a buffer of that size is made.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias

import msgpack

from secureload.errors import SandboxError
from secureload.limits import Limits
from secureload.values import dataclass

__all__ = [
    "ALIGNMENT",
    "HEADER_BYTES",
    "Buffer",
    "Header",
    "Kind",
    "Message",
    "encode_control",
    "encode_header",
    "encode_message",
    "pack_header",
    "padding",
    "parse_control",
    "parse_header",
    "within",
]

Buffer: TypeAlias = bytes | bytearray | memoryview

_MAGIC = b"SLW1"
_HEADER = struct.Struct("!4sBBHIIQ")
HEADER_BYTES = _HEADER.size
ALIGNMENT = 64
_PADDING = bytes(ALIGNMENT)
# A smaller control part cannot grow to anything when it is parsed.
_COUNTED_BYTES = 1 << 20


class Kind(IntEnum):
    """What a message is."""

    CONFIGURE = 1  # parent → worker, before the lock-down: role, modules, limits
    READY = 2  # worker → parent: locked down, with the report of each layer
    OPEN = 3  # parent → worker: here is the artifact (a descriptor rides along)
    REQUEST = 4  # parent → worker
    REPLY = 5  # worker → parent
    FAILURE = 6  # worker → parent: an exception, as data


_KINDS = {int(kind): kind for kind in Kind}


class Header(NamedTuple):
    """A parsed header; the lengths are within the limits."""

    kind: Kind
    request_id: int
    control_bytes: int
    payload_bytes: int
    shared: bool = False
    processor: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message: the body as plain msgpack values, and its segments."""

    kind: Kind
    request_id: int
    body: Any
    segments: tuple[Buffer, ...] = ()
    shared: bool = False  # whether the segments lie in the shared memory


def _broken(what: str, **fields: object) -> SandboxError:
    return SandboxError(
        f"the wire to the sandbox broke: {what}", hint="load the model again; report it if it stays", **fields
    )


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def encode_message(
    message: Message, limits: Limits, *, shared: bool = False, processor: int = 0
) -> list[Buffer]:
    """Return the buffers of ``message`` in sending order; nothing large is copied.

    With ``shared`` the segments are not among them: they lie in the shared memory. ``processor`` is the sender's.

    Raises:
        SandboxError: the message is larger than ``limits`` allow.
    """
    sizes = [len(segment) for segment in message.segments]
    control = encode_control(message.body, sizes)
    payload = sum(map(_padded, sizes))
    within(len(control), payload, len(sizes), limits)
    header = Header(message.kind, message.request_id, len(control), payload, shared, processor)
    buffers: list[Buffer] = [encode_header(header) + control]
    if shared:
        return buffers
    for segment, size in zip(message.segments, sizes, strict=True):
        buffers.append(segment)
        if _padded(size) != size:
            buffers.append(padding(size))
    return buffers


def encode_control(body: Any, sizes: Sequence[int]) -> bytes:
    """Return the control part of a message with this body and segments of these sizes.

    Raises:
        SandboxError: the body has no encoding in msgpack.
    """
    try:
        return _packed([body, list(sizes)])
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise _broken(f"a message could not be encoded ({type(error).__name__})") from error


def _packed(parts: list[Any]) -> bytes:
    packed: bytes = msgpack.packb(parts, use_bin_type=True, unicode_errors="surrogatepass")
    return packed


def encode_header(header: Header) -> bytes:
    """Return the bytes of ``header``; the caller has held the lengths against the limits."""
    return pack_header(*header)


def pack_header(
    kind: int, request_id: int, control: int, payload: int, shared: bool = False, processor: int = 0
) -> bytes:
    """Return the bytes of the header with these fields; see :func:`encode_header`."""
    return _HEADER.pack(_MAGIC, kind, shared, processor & 0xFFFF, request_id, control, payload)


def padding(size: int) -> bytes:
    """Return what follows a segment of ``size`` bytes on the socket."""
    return _PADDING[: -size % ALIGNMENT]


def parse_header(data: Buffer, limits: Limits) -> Header:
    """Parse the first ``HEADER_BYTES`` bytes.

    Raises:
        SandboxError: it is not a header, or says lengths beyond ``limits``.
    """
    if len(data) < HEADER_BYTES:
        raise _broken("a header is cut off")
    magic, kind, place, processor, request_id, control, payload = _HEADER.unpack_from(data)
    if magic != _MAGIC or place > 1:
        raise _broken("what came is not a header")
    known = _KINDS.get(kind)
    if known is None:
        raise _broken("a message of an unknown kind", kind=kind)
    if control > limits.message_control_bytes or payload > limits.message_payload_bytes:
        within(control, payload, 0, limits)
    return Header(known, request_id, control, payload, place == 1, processor)


def within(control: int, payload: int, segments: int, limits: Limits) -> None:
    """Raise :class:`SandboxError` where a message of such parts is larger than ``limits`` allow."""
    if (
        control <= limits.message_control_bytes
        and payload <= limits.message_payload_bytes
        and segments <= limits.message_segments
    ):
        return
    for name, seen in (
        ("message_control_bytes", control),
        ("message_payload_bytes", payload),
        ("message_segments", segments),
    ):
        allowed: int = getattr(limits, name)
        if seen > allowed:
            raise SandboxError(
                f"a message to or from the sandbox is too large: {name} is {allowed:,}, this one has {seen:,}",
                hint="send fewer rows at a time, or raise the limit",
                limit=name,
                allowed=allowed,
                seen=seen,
            )


def parse_control(header: Header, control: Buffer, payload: Buffer, limits: Limits) -> Message:
    """Parse the control part and cut the payload into its segments.

    Raises:
        SandboxError: the parts do not fit together.
    """
    count = _container_counter(limits.message_items) if len(control) > _COUNTED_BYTES else None
    try:
        parts = msgpack.unpackb(
            control,
            raw=False,
            strict_map_key=True,
            use_list=True,
            unicode_errors="surrogatepass",
            list_hook=count,
            object_hook=count,
            ext_hook=_no_extension,
        )
    # msgpack raises its own subclasses of ValueError, and what its input leads it to
    except (
        ValueError,
        TypeError,
        OverflowError,
        RecursionError,
        MemoryError,
        msgpack.exceptions.UnpackException,
    ) as error:
        raise _broken(f"a control part is not msgpack ({type(error).__name__})") from error
    if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[1], list):
        raise _broken("a control part has the wrong form")
    segments = _cut(parts[1], payload, limits)
    return Message(header.kind, header.request_id, parts[0], segments, header.shared)


def _container_counter(most: int) -> Callable[[Any], Any]:
    """Return a hook that refuses more than ``most`` lists and maps: an empty one is 1 byte there, 72 here."""
    left = iter(range(most))

    def count(container: Any) -> Any:
        if next(left, None) is None:
            raise ValueError("too many parts")
        return container

    return count


def _no_extension(_code: int, _data: bytes) -> Any:
    raise ValueError("an extension type")


def _cut(sizes: Sequence[object], payload: Buffer, limits: Limits) -> tuple[Buffer, ...]:
    if len(sizes) > limits.message_segments:
        raise _broken("a message has too many segments")
    view = memoryview(payload)
    segments: list[Buffer] = []
    position = 0
    for size in sizes:
        if type(size) is not int or size < 0 or position + _padded(size) > len(view):
            raise _broken("the segments do not fit the payload")
        segments.append(view[position : position + size])
        position += _padded(size)
    if position != len(view):
        raise _broken("the payload is longer than its segments")
    return tuple(segments)
