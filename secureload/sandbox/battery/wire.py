"""The wire itself: what a worker that was taken over says to its parent, in the place of its first answer.

Each speech is made by a real worker over its real socket and shared memory. It got through where the parent took
it for an answer, was held longer than its deadline, or holds data that the worker can still change.
"""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import msgpack

from secureload.limits import Limits
from secureload.sandbox.channel import Channel
from secureload.sandbox.wire.frame import Kind, Message, encode_message
from secureload.sandbox.wire.values import Encoder
from secureload.values import dataclass

__all__ = ["HONEST_VALUE", "SPEECHES", "Speech"]

_HEADER_BYTES = 24
_ROWS = 1 << 16
_FLOOD_BYTES = 256 << 20
_FLIP_SECONDS = 20
HONEST_VALUE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Speech:
    """Something to say in the place of an answer.

    Where it may be taken for one, ``harmless`` says a while later whether what arrived does no harm.
    """

    name: str
    speak: Callable[[Channel, Limits], None]
    harmless: Callable[[Any], bool] | None = None


def _saying(data: Callable[[Limits], bytes]) -> Callable[[Channel, Limits], None]:
    """Write bytes to the wire, and wait for the end."""

    def speak(channel: Channel, limits: Limits) -> None:
        _write(channel, data(limits))
        _wait()

    return speak


def _write(channel: Channel, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(channel.fileno(), view) :]


def _wait() -> None:
    time.sleep(_FLIP_SECONDS)


def _frame(limits: Limits, body: Any, *segments: bytes, kind: Kind = Kind.REPLY, request: int = 0) -> bytes:
    return b"".join(encode_message(Message(kind, request, body, segments), limits))


def _raw(
    limits: Limits, control: bytes, *, payload: int = 0, length: int | None = None, shared: bool = False
) -> bytes:
    head = bytearray(_frame(limits, None)[:_HEADER_BYTES])
    head[5] = shared
    head[12:16] = (len(control) if length is None else length).to_bytes(4, "big")
    head[16:24] = payload.to_bytes(8, "big")
    return bytes(head) + control


def _tree(tree: Any) -> Callable[[Limits], bytes]:
    return lambda limits: _frame(limits, {"value": tree})


def _answer(limits: Limits, value: Any) -> bytes:
    return _frame(limits, {"value": Encoder(limits).encode(value)})


def _drip(channel: Channel, limits: Limits) -> None:
    for byte in _answer(limits, HONEST_VALUE):
        os.write(channel.fileno(), bytes([byte]))
        time.sleep(0.25)


def _flood(channel: Channel, limits: Limits) -> None:
    """Write without end what nobody asked for."""
    _write(channel, _answer(limits, HONEST_VALUE))
    block = bytes(1 << 20)
    for _ in range(_FLOOD_BYTES >> 20):
        _write(channel, block)


def _flip(channel: Channel, limits: Limits) -> None:
    """Answer with an array in the shared memory, and go on writing there."""
    del limits
    tree = ["a", "<f8", [_ROWS], False, 0]
    arena: Any = channel._arena
    honest, forged = (struct.pack("<d", value) * _ROWS for value in (HONEST_VALUE, -1.0))
    there = arena._view[arena._writing : arena._writing + len(forged)]

    def forge() -> None:
        end = time.monotonic() + _FLIP_SECONDS
        while time.monotonic() < end:
            there[:] = forged

    channel.send(Message(Kind.REPLY, 0, {"value": tree}, (honest,)))
    time.sleep(0.3)  # the parent has validated it by now
    threading.Thread(target=forge, daemon=True).start()
    _wait()


def _is_honest(value: Any) -> bool:
    return value == HONEST_VALUE if isinstance(value, float) else bool((value == HONEST_VALUE).all())


def _is_no_address(value: Any) -> bool:
    """Whether numpy sees no array in it: the first three words of this process would be its values."""
    return not hasattr(value, "__array_interface__")


_NESTED = b"\x91" * 100_000 + b"\xc0"
_MANY = [["a", "|b1", [1 << 20], False, 0]] * 2_000

_ALL: Final = (
    Speech("wire: not a header", _saying(lambda limits: b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")),
    Speech("wire: another magic", _saying(lambda limits: b"SLW9" + _answer(limits, 1)[4:])),
    Speech("wire: a kind that is none", _saying(
        lambda limits: _answer(limits, 1)[:4] + b"\xff" + _answer(limits, 1)[5:])),
    Speech("wire: no msgpack", _saying(lambda limits: _raw(limits, b"\xc1"))),
    Speech("wire: an extension type", _saying(
        lambda limits: _raw(limits, msgpack.packb([{"value": msgpack.ExtType(4, b"x")}, []])))),
    Speech("wire: lengths that do not add up", _saying(
        lambda limits: _raw(limits, msgpack.packb([{"value": 1}, [64]])))),
    Speech("wire: a negative length", _saying(lambda limits: _raw(limits, msgpack.packb([{"value": 1}, [-1]])))),
    Speech("wire: nested without end", _saying(lambda limits: _raw(limits, _NESTED))),
    Speech("wire: a body that is none", _saying(lambda limits: _frame(limits, None))),
    Speech("wire: a tag that is none", _saying(_tree(["no such tag", 1]))),
    Speech("wire: a class that does not cross", _saying(_tree(["ty", "os", "system"]))),
    Speech("wire: an address in the place of an array", _saying(_tree(
        ["b", [["__array_interface__", ["d", [["data", ["t", [4096, False]]], ["version", 3]]]]]])), _is_no_address),
    Speech("wire: an array larger than what came", _saying(_tree(["a", "<f8", [1 << 30], False, 0]))),
    Speech("wire: objects in an array", _saying(_tree(["a", "|O", [1], False, 0]))),
    Speech("wire: a control part of 4 GiB", _saying(lambda limits: _raw(limits, b"", length=(1 << 32) - 1))),
    Speech("wire: a payload of 2^63 bytes", _saying(
        lambda limits: _raw(limits, msgpack.packb([{}, []]), payload=1 << 63))),
    Speech("wire: a payload that never comes", _saying(
        lambda limits: _raw(limits, msgpack.packb([{}, []]), payload=1 << 30))),
    Speech("wire: one segment for two thousand arrays", _saying(
        lambda limits: _frame(limits, {"value": ["l", _MANY]}, bytes(1 << 20)))),
    Speech("wire: a range of 10^10 rows", _saying(_tree(["se", None, ["rx", 0, 10**10, 1, None], 5]))),
    Speech("wire: silence", _saying(lambda limits: b"")),
    Speech("wire: half an answer", _saying(lambda limits: _answer(limits, HONEST_VALUE)[:-1])),
    Speech("wire: a byte at a time", _drip),
    Speech("wire: an answer to another request", _saying(lambda limits: _frame(limits, {"value": 1}, request=7))),
    Speech("wire: a request for an answer", _saying(lambda limits: _frame(limits, {"value": 1}, kind=Kind.REQUEST))),
    Speech("wire: ready once more", _saying(lambda limits: _frame(limits, {"value": 1}, kind=Kind.READY))),
    Speech("wire: a payload outside of the shared memory", _saying(
        lambda limits: _raw(limits, msgpack.packb([{"value": ["a", "|b1", [1 << 30], False, 0]}, [1 << 30]]),
                            payload=1 << 30, shared=True))),
    Speech("wire: a flood behind the answer", _flood, _is_honest),
    Speech("wire: an answer that changes after it was checked", _flip, _is_honest),
)  # fmt: skip
SPEECHES: Final = {speech.name: speech for speech in _ALL}
