"""Answer requests about a loaded object: get, call, index; everything that goes back is data.

What is not data (an estimator inside a pipeline, a function) goes back as a reference: a number under which
it can be asked for again, and a few words about what it can do.
"""

from __future__ import annotations

import inspect
import warnings
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from secureload.limits import Limits
from secureload.sandbox.channel import Channel, ChannelClosedError
from secureload.sandbox.wire.errors import Unencodable
from secureload.sandbox.wire.frame import Kind, Message
from secureload.sandbox.wire.values import Decoder, Encoder

__all__ = ["Service"]

_MESSAGE_CHARS = 10_000
_MAX_WARNINGS = 100
_TEXT_CHARS = 1 << 20


class Service:
    """Holds the object and what was referred to, under numbers that are never used twice."""

    def __init__(self, channel: Channel, limits: Limits) -> None:
        self._channel = channel
        self._limits = limits
        self._objects: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        # How often each was sent: it is released once for each time, maybe while it is being sent again.
        self._sent: dict[int, int] = {}
        self._next = 0
        self._warned = _Warned()

    def load(self, load: Callable[[], Any]) -> None:
        """Load the object and send it, as data or as a reference, as the reply to request 0."""
        self._answer(0, lambda _: load(), Decoder((), self._limits), [])

    def serve(self) -> None:
        """Answer requests until the caller closes."""
        while True:
            try:
                message, _ = self._channel.receive()
            except ChannelClosedError:
                return
            body = message.body
            for number in body.get("release", ()):
                self._release(number)
            decoder = Decoder(message.segments, self._limits, self._resolve)
            operation = _OPERATIONS[body["op"]]
            lent = [weakref.ref(segment) for segment in message.segments] if message.shared else []
            request_id = message.request_id
            del message
            self._answer(request_id, partial(operation, self, body), decoder, lent)

    def _answer(
        self,
        request_id: int,
        compute: Callable[[Decoder], Any],
        decoder: Decoder,
        lent: list[weakref.ref[Any]],
    ) -> None:
        """Compute and send the answer. ``lent`` is what of the shared memory the request's arrays lie in."""
        try:
            encoder = Encoder(self._limits, self._refer, exact=False)
            tree = encoder.encode(compute(decoder))
            kind, segments = Kind.REPLY, tuple(encoder.segments)
            body: dict[str, Any] = {"value": tree}
        except BaseException as error:  # whatever the model raises is the caller's to hear
            kind, segments = Kind.FAILURE, ()
            body = self._failure(error)
        caught = self._warned.taken()
        if caught:
            body["warnings"] = caught
        if any(segment() is not None for segment in lent):
            # Something kept an array that lies in the shared memory: nothing may be written there any more.
            body["kept"] = True
        self._channel.send(Message(kind, request_id, body, segments))

    def _failure(self, error: BaseException) -> dict[str, Any]:
        try:
            args = Encoder(self._limits, exact=False).encode(list(error.args))
        except Unencodable:
            args = None
        return {"lineage": _lineage(type(error)), "message": str(error)[:_MESSAGE_CHARS], "args": args}

    # -- references ------------------------------------------------------------------------------------

    def _refer(self, value: Any) -> list[Any]:
        number = self._numbers.get(id(value))
        if number is None:
            number = self._next
            self._next += 1
            self._objects[number] = value
            self._numbers[id(value)] = number
        self._sent[number] = self._sent.get(number, 0) + 1
        kind = type(value)
        can = [name for name, method in _ABILITIES.items() if hasattr(kind, method)]
        return ["r", number, kind.__module__, kind.__qualname__, can]

    def _resolve(self, tree: list[Any]) -> Any:
        return self._objects[tree[1]]

    def _release(self, number: int) -> None:
        left = self._sent.get(number, 0) - 1
        if left > 0:
            self._sent[number] = left
        elif number in self._objects:
            del self._sent[number]
            self._numbers.pop(id(self._objects.pop(number)), None)

    # -- operations ------------------------------------------------------------------------------------

    def _get(self, body: dict[str, Any], _: Decoder) -> Any:
        target = self._objects[body["ref"]]
        value = getattr(target, body["name"])
        if inspect.isroutine(value) and getattr(value, "__self__", None) is target:
            return _METHOD
        return value

    def _call(self, body: dict[str, Any], decoder: Decoder) -> Any:
        target = self._objects[body["ref"]]
        name = body["name"]
        function = target if name is None else getattr(target, name)
        args = [decoder.decode(arg) for arg in body["args"]]
        kwargs = {key: decoder.decode(value) for key, value in body["kwargs"].items()}
        return function(*args, **kwargs)

    def _item(self, body: dict[str, Any], decoder: Decoder) -> Any:
        return self._objects[body["ref"]][decoder.decode(body["key"])]

    def _length(self, body: dict[str, Any], _: Decoder) -> Any:
        return len(self._objects[body["ref"]])

    def _names(self, body: dict[str, Any], _: Decoder) -> Any:
        return [name for name in dir(self._objects[body["ref"]]) if not name.startswith("_")]

    def _repr(self, body: dict[str, Any], _: Decoder) -> Any:
        return repr(self._objects[body["ref"]])[:_TEXT_CHARS]

    def _html(self, body: dict[str, Any], _: Decoder) -> Any:
        return self._objects[body["ref"]]._repr_html_()[:_TEXT_CHARS]

    def _tags(self, body: dict[str, Any], _: Decoder) -> Any:
        import dataclasses

        return dataclasses.asdict(self._objects[body["ref"]].__sklearn_tags__())


class _Warned:
    """Collects the warnings of this process. Installed once: saving and restoring filters costs as much as a call."""

    def __init__(self) -> None:
        self._caught: list[list[Any]] = []
        warnings.simplefilter("always")
        warnings.showwarning = self._show

    def taken(self) -> list[list[Any]]:
        """Return what was warned of since the last time."""
        caught, self._caught = self._caught, []
        return caught

    def _show(self, message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        if len(self._caught) < _MAX_WARNINGS:
            self._caught.append([_lineage(category), str(message)[:_MESSAGE_CHARS]])


# What a bound method is answered with: its object keeps it, the caller asks for it by name.
_METHOD = ("\0method",)

_ABILITIES = {
    "call": "__call__",
    "len": "__len__",
    "item": "__getitem__",
    "iter": "__iter__",
    "html": "_repr_html_",
}

_OPERATIONS: dict[str, Callable[[Service, dict[str, Any], Decoder], Any]] = {
    "get": Service._get,
    "call": Service._call,
    "item": Service._item,
    "len": Service._length,
    "dir": Service._names,
    "repr": Service._repr,
    "html": Service._html,
    "tags": Service._tags,
}


def _lineage(kind: type) -> list[list[str]]:
    return [[base.__module__, base.__qualname__] for base in kind.__mro__[:16]]
