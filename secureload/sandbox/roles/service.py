"""Answer requests about a loaded object: get, call, index; everything that goes back is data.

What is not data (an estimator inside a pipeline, a function) goes back as a reference: a number under which
it can be asked for again, and a few words about what it can do.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import itertools
import sys
import warnings
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from secureload.errors import SandboxError
from secureload.limits import Limits
from secureload.sandbox.channel import Channel, ChannelClosedError, Frame
from secureload.sandbox.roles.torch_loader import given_tensors
from secureload.sandbox.wire.frame import Buffer, Kind, Message
from secureload.sandbox.wire.quick import Kept, Packed, and_kept, answer_with, asked_in
from secureload.sandbox.wire.values import Decoder, Encoder

__all__ = ["Service"]

_REPLY = Kind.REPLY  # a member of an enumeration is looked up anew each time
_MESSAGE_CHARS = 10_000
_MAX_WARNINGS = 100
_TEXT_CHARS = 1 << 20
_PRINTED_CHARS = 1 << 16


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
        self._requests = Kept(asked_in)
        self._packed = Packed()

    def load(self, load: Callable[[], Any]) -> None:
        """Load the object and send it, as data or as a reference, as the reply to request 0."""
        self._answer(0, load, [])

    def serve(self) -> None:
        """Answer requests until the caller closes."""
        self._channel.converse(awake_seconds=self._limits.call_awake_seconds)
        with contextlib.suppress(ChannelClosedError):
            while True:
                self._serve_one()

    def _serve_one(self) -> None:
        """Answer one request: here the call with one array, which is made most."""
        channel = self._channel
        frame = channel.receive_frame()
        asked = self._requests.get(frame.control)
        if asked is None:
            self._serve_message(frame)
            return
        request_id, layout = frame.header.request_id, asked.layout
        lent: list[weakref.ref[Any]] = []
        if frame.header.shared:
            flat = layout.over(frame.payload)
            lent.append(weakref.ref(flat))
            array = layout.turned(flat)
            del flat
        else:
            array = layout.copied(frame.payload)
        del frame
        failure = None
        try:
            value = self._function(asked.number, asked.name)(array)
        except BaseException as error:  # whatever the model raises is the caller's to hear
            failure = self._failure(error)
        del array
        if failure is not None:
            self._send(request_id, Kind.FAILURE, failure, (), lent)
            return
        # What was printed or warned of goes with an answer that is put together each time.
        part = None if self._warned.some else self._packed.part(None, value, answer_with)
        if part is None or not channel.stages(value.nbytes):
            self._answer(request_id, partial(_same, value), lent)
            return
        control, flat = part
        size = flat.nbytes
        staged = channel.stage(flat, size)
        del value, flat, part
        if lent and lent[0]() is not None:
            control = and_kept(control)
        channel.send_staged(_REPLY, request_id, control, size, staged)

    def _serve_message(self, frame: Frame) -> None:
        message = self._channel.whole(frame)
        self._requests.learn(frame.control, message)
        del frame
        body = message.body
        for number in body.get("release", ()):
            self._release(number)
        segments, lent = _lent(message.segments) if message.shared else (message.segments, [])
        decoder = Decoder(segments, self._limits, self._resolve)
        operation = _OPERATIONS[body["op"]]
        if "settings" in body:
            operation = partial(_with_settings, operation)
        request_id = message.request_id
        del message, segments
        self._answer(request_id, partial(operation, self, body, decoder), lent)

    def _answer(self, request_id: int, compute: Callable[[], Any], lent: list[weakref.ref[Any]]) -> None:
        """Compute and send the answer. ``lent`` is what of the shared memory the request's arrays lie in."""
        try:
            encoder = Encoder(self._limits, self._refer, exact=False)
            tree = encoder.encode(compute())
            kind, segments = Kind.REPLY, tuple(encoder.segments)
            body: dict[str, Any] = {"value": tree}
        except BaseException as error:  # whatever the model raises is the caller's to hear
            kind, segments = Kind.FAILURE, ()
            body = self._failure(error)
        self._send(request_id, kind, body, segments, lent)

    def _send(
        self,
        request_id: int,
        kind: Kind,
        body: dict[str, Any],
        segments: tuple[Buffer, ...],
        lent: list[weakref.ref[Any]],
    ) -> None:
        if self._warned.some:
            body["warnings"] = self._warned.taken()
        if any(segment() is not None for segment in lent):
            # Something kept an array that lies in the shared memory: nothing may be written there any more.
            body["kept"] = True
        try:
            self._channel.send(Message(kind, request_id, body, segments))
        except ChannelClosedError:
            raise
        except SandboxError as error:  # it is larger than a message may be: nothing of it was sent
            if kind is Kind.FAILURE:
                raise
            self._channel.send(Message(Kind.FAILURE, request_id, self._failure(error)))

    def _failure(self, error: BaseException) -> dict[str, Any]:
        try:
            args = Encoder(self._limits, exact=False).encode(list(error.args))
        except Exception:  # arguments of any class, that may raise whatever they are asked
            args = None
        return {"lineage": _lineage(type(error)), "message": _told_by(error), "args": args}

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

    def _function(self, number: int, name: str | None) -> Any:
        target = self._objects[number]
        function = target if name is None else getattr(target, name)
        return given_tensors(function, target)

    def _call(self, body: dict[str, Any], decoder: Decoder) -> Any:
        function = self._function(body["ref"], body["name"])
        args = [decoder.decode(arg) for arg in body["args"]]
        kwargs = {key: decoder.decode(value) for key, value in body["kwargs"].items()}
        value = function(*args, **kwargs)
        if not decoder.generators:
            return value
        # The caller's generators go on where those that the model has used are now.
        return [value, decoder.generators]

    def _item(self, body: dict[str, Any], decoder: Decoder) -> Any:
        return self._objects[body["ref"]][decoder.decode(body["key"])]

    def _contains(self, body: dict[str, Any], decoder: Decoder) -> Any:
        return decoder.decode(body["key"]) in self._objects[body["ref"]]

    def _following(self, body: dict[str, Any], _: Decoder) -> Any:
        """Return the next item in a list of its own, an empty one at the end."""
        return list(itertools.islice(self._objects[body["ref"]], 1))

    def _text(self, body: dict[str, Any], _: Decoder) -> Any:
        return str(self._objects[body["ref"]])[:_TEXT_CHARS]

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

    def _fitted(self, body: dict[str, Any], _: Decoder) -> Any:
        from sklearn.exceptions import NotFittedError
        from sklearn.utils.validation import check_is_fitted

        try:
            check_is_fitted(self._objects[body["ref"]])
        except NotFittedError:
            return False
        except TypeError:
            return True  # it is no estimator, and has nothing to be fitted
        return True


class _Warned:
    """Collects the warnings of this process. Installed once: saving and restoring filters costs as much as a call."""

    def __init__(self) -> None:
        self.some: list[list[Any]] = []
        warnings.simplefilter("always")
        warnings.showwarning = self._show
        self._left = _PRINTED_CHARS
        sys.stdout = _Printed(self, "stdout")
        sys.stderr = _Printed(self, "stderr")

    def taken(self) -> list[list[Any]]:
        """Return what was warned of since the last time."""
        caught, self.some = self.some, []
        self._left = _PRINTED_CHARS
        return caught

    def printed(self, stream: str, text: str) -> None:
        """Keep what was printed, as much as is logged of one call."""
        kept = text[: self._left]
        self._left -= len(kept)
        if not kept:
            return
        if self.some and self.some[-1][0] == stream:
            self.some[-1][1] += kept
        elif len(self.some) < _MAX_WARNINGS:
            self.some.append([stream, kept])

    def _show(self, message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        if len(self.some) < _MAX_WARNINGS:
            self.some.append([_lineage(category), str(message)[:_MESSAGE_CHARS]])


class _Printed(io.TextIOBase):
    """Standard output or error: what is written goes back with the next answer, to be logged."""

    def __init__(self, told: _Warned, name: str) -> None:
        self._told = told
        self._name = name

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        self._told.printed(self._name, text)
        return len(text)


# What a bound method is answered with: its object keeps it, the caller asks for it by name.
_METHOD = ("\0method",)

_ABILITIES = {
    "call": "__call__",
    "len": "__len__",
    "item": "__getitem__",
    "iter": "__iter__",
    "next": "__next__",
    "contains": "__contains__",
    "html": "_repr_html_",
    "module": "named_parameters",  # of PyTorch
}

_OPERATIONS: dict[str, Callable[[Service, dict[str, Any], Decoder], Any]] = {
    "get": Service._get,
    "call": Service._call,
    "item": Service._item,
    "len": Service._length,
    "contains": Service._contains,
    "next": Service._following,
    "str": Service._text,
    "dir": Service._names,
    "repr": Service._repr,
    "html": Service._html,
    "tags": Service._tags,
    "fitted": Service._fitted,
}


def _lent(segments: Sequence[Buffer]) -> tuple[list[Buffer], list[weakref.ref[Any]]]:
    """Return the segments, and what says whether an array that was made of one of them still lives.

    An array holds the object that a buffer is of, not the buffer: here an array for each segment.
    """
    import numpy as np

    owners = [np.ndarray(len(segment), np.uint8, segment) for segment in segments]
    return [owner.data for owner in owners], [weakref.ref(owner) for owner in owners]


def _told_by(error: BaseException) -> str:
    """Return what an exception says of itself, which may be that it cannot."""
    try:
        return str(error)[:_MESSAGE_CHARS]
    except Exception as other:
        return f"(it cannot be shown: {type(other).__name__})"


def _with_settings(operation: Any, service: Service, body: dict[str, Any], decoder: Decoder) -> Any:
    """Let the settings of scikit-learn in the caller's thread hold for what it asks."""
    import sklearn

    with sklearn.config_context(**body["settings"]):
        return operation(service, body, decoder)


def _same(value: Any) -> Any:
    return value


def _lineage(kind: type) -> list[list[str]]:
    return [[base.__module__, base.__qualname__] for base in kind.__mro__[:16]]
