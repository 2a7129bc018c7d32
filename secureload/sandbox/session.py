"""One conversation with one worker that has loaded a model: requests out, data back.

It ends with the first break of the protocol and is never begun again; :mod:`secureload.sandbox.model` starts
another one.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from secureload.errors import LoadFailedError, SandboxError, SandboxMemoryError, UsageError
from secureload.limits import Limits
from secureload.printable import printable
from secureload.sandbox.call_limits import CallLimits
from secureload.sandbox.channel import ChannelClosedError, ChannelTimeoutError
from secureload.sandbox.host import Worker
from secureload.sandbox.proof import Confinement
from secureload.sandbox.rebuilt import ModelError, rebuilt_exception, reissue_warnings
from secureload.sandbox.reference import Described, Parts, Reference
from secureload.sandbox.wire import generators
from secureload.sandbox.wire.errors import Unencodable, WireValueError
from secureload.sandbox.wire.frame import Kind, Message
from secureload.sandbox.wire.quick import Kept, Packed, answer_in, asked_with
from secureload.sandbox.wire.values import Decoder, Encoder

__all__ = ["Collector", "Session", "UnknownLibrariesError", "UnsentError", "again", "encode_key"]

_REQUEST, _REPLY = Kind.REQUEST, Kind.REPLY  # members of an enumeration are looked up anew each time
_LOAD_HINT = "use the library versions that it was saved with"
_IDENTIFIER_CHARS = 200
_ABILITIES = frozenset({"call", "len", "item", "iter", "next", "contains", "html", "module"})


_LOADING: tuple[None, Mapping[str, Any]] = (None, {"op": "load"})
_CALLED: Mapping[str, Any] = {"op": "call"}


class UnsentError(Exception):
    """The worker was gone before anything was asked of it; ``error`` says how."""

    def __init__(self, error: SandboxError) -> None:
        super().__init__(error)
        self.error = error


class UnknownLibrariesError(Exception):
    """The worker was not told of libraries that the arguments are of: nothing was sent."""

    def __init__(self, libraries: set[str]) -> None:
        super().__init__(libraries)
        self.libraries = libraries


class Session:
    """Owns one worker. Thread-safe; of the process that made it only.

    ``parts`` makes the objects that stand for what stays in the worker (the proxies), and knows them again.
    """

    def __init__(self, worker: Worker, limits: Limits, parts: Parts) -> None:
        self._worker = worker
        self._limits = limits
        # The model holds its sessions, and is held by its proxies alone.
        self._parts = weakref.ref(parts)
        self._lock = threading.Lock()
        self._asking = 0  # the thread that holds the lock
        self._owner = os.getpid()
        self._request = 0
        self._awaited = False  # whether an answer is still to come
        self._dropped: deque[int] = deque()
        # What was asked, for whoever stands for an object in the answer.
        self._asked: tuple[Reference | None, Mapping[str, Any]] = _LOADING
        self._position = 0
        self.roots: tuple[Described, ...] = ()
        # Libraries of inputs that the worker has not imported, and cannot any more.
        self.unknown: frozenset[str] = frozenset()
        self.end: SandboxError | None = None
        # Whether it ended because its caller gave it up: no crash.
        self.abandoned = False
        self._packed: Packed | None = None
        self._answers = Kept(answer_in)
        worker.channel.converse(
            awake_seconds=limits.call_awake_seconds, expected_seconds=limits.call_expected_seconds
        )
        self._finalizer = weakref.finalize(self, worker.close)

    @property
    def confinement(self) -> Confinement:
        """What is enforced around the worker."""
        return self._worker.confinement

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._worker.pid

    def close(self, error: SandboxError | None = None) -> None:
        """End the worker, for ``error`` if one is given; closing twice does nothing."""
        if self.end is None:
            self.end = error or SandboxError("this model was closed", hint="load it again")
        self._finalizer()

    def abandon(self, error: SandboxError, thread: int) -> None:
        """End the worker if ``thread`` is waiting for its answer, from another thread than that."""
        if self.end is None and self._asking == thread:
            self.abandoned = True
            self.end = error
            self._worker.kill()  # the thread that waits hears of it, and closes

    def retire(self, error: SandboxError) -> None:
        """End the worker after the call that it is at."""
        with self._lock:
            self.close(error)

    def drop(self, number: int) -> None:
        """Release an object with the next request."""
        self._dropped.append(number)

    def root(self, parts: Parts | None = None) -> Any:
        """Receive the loaded object: data, with what ``parts`` makes in the places of what is not.

        Raises:
            LoadFailedError: loading it raised an exception.
            SandboxError: the worker died, or did not answer.
        """
        try:
            with self._turn():
                return self._receive(0, self._limits.worker_load_seconds, parts)
        except UnsentError as error:
            raise error.error from None
        except ModelError as error:
            raise LoadFailedError(f"loading it failed: {printable(error)}", hint=_LOAD_HINT) from None
        except SandboxError:
            raise
        except Exception as error:  # what the payload, or a class that it names, raised
            what = f"{type(error).__name__}: {error}"
            raise LoadFailedError(f"loading it failed: {printable(what)}", hint=_LOAD_HINT) from error

    def request(
        self,
        op: str,
        ref: Reference,
        *,
        limits: CallLimits | None = None,
        parts: Parts | None = None,
        **fields: Any,
    ) -> Any:
        """Ask the worker and return the answer.

        Raises whatever the model raises, as the nearest class that is known here; a :class:`SandboxError`
        where the worker dies, is too slow, or does not keep to the protocol; :class:`UnsentError` where it was gone
        already, and :class:`~secureload.sandbox.reference.UnplacedError` where ``ref`` is not known to it.
        """
        body = {"op": op, "ref": ref.number_in(self), **fields}
        if limits is not None and limits.settings is not None:
            body["settings"] = limits.settings
        return self._exchange(ref, self._send, (body, ()), limits, body, parts)

    def call(
        self,
        ref: Reference,
        name: str | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        limits: CallLimits | None = None,
    ) -> Any:
        """Call a method (or the object itself, where ``name`` is None) with data; raises as :meth:`request` does."""
        settings = None if limits is None else limits.settings
        if len(args) == 1 and not kwargs and not self._dropped and settings is None:
            part = self._part(ref.number_in(self), name, args[0])
            if part is not None:
                return self._exchange(ref, self._send_array, part, limits)
        encoder = Encoder(self._limits, self._own_reference)
        try:
            encoded = [encoder.encode(arg) for arg in args]
            named = {key: encoder.encode(value) for key, value in kwargs.items()}
        except Unencodable as error:
            raise UsageError(
                f"{error} cannot be sent to the sandbox: only data crosses",
                hint=error.hint or "pass arrays, lists, DataFrames or sparse matrices",
            ) from None
        if settings is not None:
            encoder.libraries.add(str(settings.get("transform_output")))
        if not self.unknown.isdisjoint(encoder.libraries):
            raise UnknownLibrariesError(encoder.libraries)
        number = ref.number_in(self)
        body = {"op": "call", "ref": number, "name": name, "args": encoded, "kwargs": named}
        if settings is not None:
            body["settings"] = settings
        value = self._exchange(ref, self._send, (body, tuple(encoder.segments)), limits, body)
        return generators.gone_on(encoder.generators, value) if encoder.generators else value

    # ------------------------------------------------------------------------------------------------

    def _part(self, number: int, name: str | None, array: Any) -> tuple[bytes, Any] | None:
        """Return the control part and the memory of a call with one array; None where it takes the long way."""
        if type(array).__module__ != "numpy":
            return None
        if self._packed is None:
            self._packed = Packed()
        part = self._packed.part((number, name), array, asked_with)
        return part if part is not None and self._worker.channel.stages(array.nbytes) else None

    def _send_array(self, control: bytes, flat: Any, request: int, seconds: float) -> None:
        channel, size = self._worker.channel, flat.nbytes
        channel.send_staged(_REQUEST, request, control, size, channel.stage(flat, size), seconds)

    def _send(self, body: dict[str, Any], segments: tuple[Any, ...], request: int, seconds: float) -> None:
        if self._dropped:
            body["release"] = [self._dropped.popleft() for _ in range(len(self._dropped))]
        self._worker.channel.send(Message(Kind.REQUEST, request, body, segments), seconds=seconds)

    def _exchange(
        self,
        ref: Reference,
        send: Callable[..., None],
        what: tuple[Any, ...],
        limits: CallLimits | None,
        body: Mapping[str, Any] = _CALLED,
        parts: Parts | None = None,
    ) -> Any:
        """Hold the wire, ``send`` a request with ``what``, and return its answer. ``body`` is what was asked."""
        seconds = self._limits.worker_call_seconds
        if limits is not None and limits.timeout_seconds is not None:
            seconds = limits.timeout_seconds
        thread = threading.get_ident()
        if self._asking == thread:
            raise _in_its_own_answer()
        with self._lock:
            self._asking = thread
            try:
                if self._awaited:
                    self._interrupted()
                if self.end is not None:
                    raise UnsentError(again(self.end))
                if os.getpid() != self._owner:
                    raise SandboxError(
                        "this model belongs to another process", hint="call safe_load() in this one"
                    )
                if limits is None or limits.memory_bytes is None:
                    return self._ask(ref, body, send, what, seconds, parts)
                with contextlib.ExitStack() as stack:
                    try:
                        stack.enter_context(self._worker.capped(limits.memory_bytes))
                    except ChannelClosedError:
                        raise UnsentError(self._died()) from None
                    return self._ask(ref, body, send, what, seconds, parts)
            finally:
                self._asking = 0

    def _ask(
        self,
        ref: Reference,
        body: Mapping[str, Any],
        send: Callable[..., None],
        what: tuple[Any, ...],
        seconds: float,
        parts: Parts | None,
    ) -> Any:
        self._request = request = (self._request % 0xFFFFFFFF) + 1
        self._awaited = True
        try:
            send(*what, request, seconds)
        except ChannelClosedError:
            raise UnsentError(self._died()) from None
        except ChannelTimeoutError as error:
            raise self._broken(error) from None
        except SandboxError:  # too large: nothing of it was sent
            self._awaited = False
            raise
        except BaseException:
            self._interrupted()
            raise
        self._asked = (ref, body)
        try:
            return self._receive(request, seconds, parts)
        finally:
            self._asked = _LOADING  # what was asked holds the model, and the model this

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Hold the wire. An answer that asks again (a proxy in the place of an array) would wait for itself."""
        if self._asking == threading.get_ident():
            raise _in_its_own_answer()
        with self._lock:
            self._asking = threading.get_ident()
            try:
                yield
            finally:
                self._asking = 0

    def _receive(self, request: int, seconds: float, parts: Parts | None = None) -> Any:
        deadline = time.monotonic() + seconds
        self._position = 0
        channel = self._worker.channel
        try:
            frame = channel.receive_frame(seconds=seconds)
            kind, number, _, payload_bytes, _, _ = frame.header
            if number != request or (kind is not _REPLY and kind is not Kind.FAILURE):
                raise SandboxError("the sandboxed worker answered out of turn")
            layout = self._answers.get(frame.control)
            if layout is not None and kind is _REPLY and layout.lies_in(payload_bytes):
                value = layout.copied(frame.payload)
                self._awaited = False
                channel.settle(kept=layout.kept)
                return value
            message = channel.whole(frame)
            if not isinstance(message.body, dict):
                raise SandboxError("the sandboxed worker answered with something that is not an answer")
            if kind is _REPLY:
                value = self._decode(message, deadline, parts)
                self._answers.learn(frame.control, message)
            self._awaited = False
        except ChannelClosedError as closed:
            error = self._died()
            if isinstance(closed.__cause__, ConnectionResetError) and not self.abandoned:
                # unix(7): it ended with the request, or a part of it, unread.
                raise UnsentError(error) from None
            raise error from None
        except SandboxError as error:
            raise self._broken(error) from None
        except WireValueError as error:
            raise self._broken(SandboxError(f"the sandboxed worker answered with {error}")) from None
        except MemoryError:
            raise self._broken(SandboxError("there is no memory for the sandboxed worker's answer")) from None
        except BaseException:  # Ctrl-C while waiting: the next answer on the wire would be this one
            self._interrupted()
            raise
        # An array of this request may live on in the shared memory.
        channel.settle(kept=bool(message.body.get("kept")))
        if message.body.get("warnings"):
            reissue_warnings(message.body["warnings"])
        if kind is Kind.FAILURE:
            raise _named(rebuilt_exception(message.body, self._limits))
        return value

    def _decode(self, message: Message, deadline: float, parts: Parts | None) -> Any:
        whose = self._parts() if parts is None else parts
        decoder = Decoder(
            message.segments, self._limits, lambda tree: self._stand_in(tree, whose), deadline=deadline
        )
        return decoder.decode(message.body.get("value"))

    def _interrupted(self) -> None:
        self.abandoned = True
        self._broken(SandboxError("this model was interrupted in the middle of a call", hint="call it again"))

    def _died(self) -> SandboxError:
        return self._broken(self._worker.died())

    def _broken(self, error: SandboxError) -> SandboxError:
        """After any break of the protocol the worker is not asked again."""
        ended, self.end = self.end, self.end or again(error)
        self._finalizer()
        return error if ended is None else again(ended)

    def _stand_in(self, tree: list[Any], parts: Parts | None) -> Any:
        _, number, module, qualname, can = tree
        names = all(isinstance(text, str) and len(text) <= _IDENTIFIER_CHARS for text in (module, qualname))
        if type(number) is not int or number < 0 or not names or not isinstance(can, list):
            raise WireValueError("a reference that is none")
        abilities = frozenset(word for word in can if isinstance(word, str)) & _ABILITIES
        described = Described(number, printable(module), printable(qualname), abilities)
        position, self._position = self._position, self._position + 1
        if parts is None:
            raise WireValueError("a reference that nobody waits for")
        return parts.stand_for(self, described, self._asked, position)

    def _own_reference(self, value: Any) -> Any:
        parts = self._parts()
        number = None if parts is None else parts.number_of(value, self)
        return None if number is None else ["r", number]


class Collector:
    """Parts that are only counted: what a worker has, in the order of its answer."""

    def __init__(self) -> None:
        self.found: list[Described] = []

    def stand_for(self, session: Session, described: Described, asked: object, position: int) -> Any:
        """Remember it; nothing stands for it."""
        del session, asked, position
        self.found.append(described)
        return _Nothing()

    def number_of(self, value: Any, session: Session) -> int | None:
        """Return None: nothing is sent."""
        del value, session
        return None


class _Nothing:
    """Stands in an answer for an object that nobody will see."""


def again(error: SandboxError) -> SandboxError:
    """Return the same error without the frames that it was raised through: they hold what was asked."""
    return type(error)(error.message, hint=error.hint, **error.fields)


def _in_its_own_answer() -> SandboxError:
    return SandboxError("this model was asked in the middle of its own answer", hint="load it again")


def encode_key(key: Any, limits: Limits) -> Any:
    """Encode an index or key, which holds no arrays."""
    encoder = Encoder(limits)
    try:
        tree = encoder.encode(key)
    except Unencodable as error:
        raise TypeError(f"{error} cannot be an index here") from None
    if encoder.segments:
        raise TypeError("an array cannot be an index here")
    return tree


def _named(error: BaseException) -> BaseException:
    """A model that may not have the memory that it asks for is our machinery's doing, and says so."""
    if not isinstance(error, MemoryError):
        return error
    return SandboxMemoryError(
        f"the model asked for more memory than it may have: {error}"
        if str(error)
        else "the model asked for more memory than it may have",
        hint="send fewer rows at a time, or allow more: safe_load(…, memory_bytes=…)",
    )
