"""The call that is made most: one array to a method, one array back, of a layout that was seen before.

Such a message has the same control part each time, byte by byte. So each side keeps the last of them: the sender
what it packed for a layout, the receiver the layout that it has parsed and checked. A control part is only kept
after :func:`parse_control` and the rules for values have accepted it, so that what is found again is what would
be parsed again. Nothing else of the protocol changes, and any other message takes the long way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

import msgpack

from secureload.sandbox.wire.arrays import decode_dtype, decode_shape, is_plain
from secureload.sandbox.wire.errors import WireValueError
from secureload.sandbox.wire.frame import ALIGNMENT, encode_control

if TYPE_CHECKING:
    import numpy as np

    from secureload.sandbox.wire.frame import Buffer, Message

__all__ = [
    "Asked",
    "Kept",
    "Layout",
    "Packed",
    "and_kept",
    "answer_in",
    "answer_with",
    "asked_in",
    "asked_with",
]

# Dtypes whose buffer Python hands out, and of which every bit pattern is a value (a bool is looked at).
_KINDS: Final = "biufc"
_KEPT_ITEMS: Final = 256
_KEPT_BYTES: Final = 1024

T = TypeVar("T")


class Layout(NamedTuple):
    """How an array lies in a payload; ``shape`` is that of its memory, reversed where ``fortran``."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    size: int  # bytes
    kept: bool  # the other side needs what it was sent for longer
    array: type[np.ndarray[Any, Any]]  # looked up once

    def lies_in(self, payload_bytes: int) -> bool:
        """Whether a payload of that size is this array and nothing else."""
        return payload_bytes == self.size + -self.size % ALIGNMENT

    def over(self, payload: Buffer) -> np.ndarray[Any, Any]:
        """Return the memory of the array where it lies; every view of the array holds what is returned."""
        return self.array(self.shape, self.dtype, payload)

    def copied(self, payload: Buffer) -> np.ndarray[Any, Any]:
        """Return an array of this process's own; each byte of the payload is read once."""
        if self.dtype.kind == "b":
            flat = self.array(self.shape, "u1", payload).astype(bool)
        else:
            flat = self.array(self.shape, self.dtype, payload).copy()
        return flat.T if self.fortran else flat

    def turned(self, flat: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the array whose memory, in C order, is ``flat``."""
        return flat.T if self.fortran else flat


class Asked(NamedTuple):
    """A call of one method with one array."""

    number: int  # of the object
    name: str | None
    layout: Layout


def asked_with(called: tuple[int, str | None], tree: list[Any]) -> dict[str, Any]:
    """Return the body of a call of a method, named with the number of its object, with one encoded array."""
    number, name = called
    return {"op": "call", "ref": number, "name": name, "args": [tree], "kwargs": {}}


def answer_with(_: object, tree: list[Any]) -> dict[str, Any]:
    """Return the body of an answer that is one encoded array."""
    return {"value": tree}


def and_kept(control: bytes) -> bytes:
    """Return the control part of the same answer that also says that the question's array was kept."""
    body, sizes = msgpack.unpackb(control)
    return encode_control({**body, "kept": True}, sizes)


def asked_in(message: Message) -> Asked | None:
    """Return what a request asks, if it is one of these."""
    body = message.body
    if not isinstance(body, dict) or body.keys() != {"op", "ref", "name", "args", "kwargs"}:
        return None
    if body["op"] != "call" or body["kwargs"] or not isinstance(body["args"], list) or len(body["args"]) != 1:
        return None
    layout = _layout(body["args"][0], message, kept=False)
    return None if layout is None else Asked(body["ref"], body["name"], layout)


def answer_in(message: Message) -> Layout | None:
    """Return the layout of an answer, if it is one of these."""
    body = message.body
    if not isinstance(body, dict) or not body.keys() <= {"value", "kept"} or "value" not in body:
        return None
    return _layout(body["value"], message, kept=bool(body.get("kept")))


def _layout(tree: Any, message: Message, *, kept: bool) -> Layout | None:
    if not isinstance(tree, list) or len(tree) != 5 or tree[0] != "a" or len(message.segments) != 1:
        return None
    import numpy as np

    _, text, extents, fortran, index = tree
    try:
        dtype, shape = decode_dtype(text), decode_shape(extents)
    except WireValueError:
        return None
    if type(fortran) is not bool or type(index) is not int or index or dtype.kind not in _KINDS:
        return None
    size = dtype.itemsize
    for extent in shape:
        size *= extent
    if size != len(message.segments[0]) or not size:
        return None
    return Layout(dtype, shape[::-1] if fortran else shape, fortran, size, kept, np.ndarray)


class Packed:
    """Control parts by what they say of an array: what the sender keeps."""

    def __init__(self) -> None:
        import numpy as np

        self._array = np.ndarray
        self._parts: dict[Any, bytes] = {}

    def __len__(self) -> int:
        return len(self._parts)

    def part(
        self, word: Any, array: Any, body: Callable[[Any, list[Any]], dict[str, Any]]
    ) -> tuple[bytes, Any] | None:
        """Return the control part for ``array``, and the array whose memory is the payload in C order.

        ``body`` makes the body of ``word``, which says what else is in it, and of the encoded array. None for
        whatever has to take the long way.
        """
        if type(array) is not self._array:
            return None
        flags = array.flags
        fortran = False
        if not flags.c_contiguous:
            if not flags.f_contiguous:
                return None
            fortran = True
        key = (word, array.dtype, array.shape, fortran)
        found = self._parts.get(key)
        if found is None:
            dtype = array.dtype
            # Not isbuiltin: that is 0 for the float64 of an array that came from a pickle.
            if dtype.kind not in _KINDS or not array.size or not dtype.isnative or not is_plain(dtype.str):
                return None
            tree = ["a", dtype.str, list(array.shape), fortran, 0]
            found = encode_control(body(word, tree), [array.nbytes])
            if len(self._parts) >= _KEPT_ITEMS:
                self._parts.clear()
            self._parts[key] = found
        return found, array.T if fortran else array


class Kept(Generic[T]):
    """What was parsed of control parts: what the receiver keeps. Bounded, whatever the other side sends."""

    def __init__(self, read: Callable[[Message], T | None]) -> None:
        self._read = read
        self._parts: dict[bytes, T] = {}
        self.get = self._parts.get

    def __len__(self) -> int:
        return len(self._parts)

    def learn(self, control: bytes, message: Message) -> None:
        """Keep what ``message`` says, of which this was the control part, if it is one of these."""
        if len(control) > _KEPT_BYTES:
            return
        found = self._read(message)
        if found is not None:
            if len(self._parts) >= _KEPT_ITEMS:
                self._parts.clear()
            self._parts[control] = found
