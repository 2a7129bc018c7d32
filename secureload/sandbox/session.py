"""One loaded model in one worker, from the caller's side: requests out, data back."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from secureload.errors import LoadFailedError, SandboxError, UsageError
from secureload.limits import Limits
from secureload.printable import printable
from secureload.sandbox.channel import ChannelClosedError, ChannelTimeoutError
from secureload.sandbox.host import Worker
from secureload.sandbox.proof import Confinement
from secureload.sandbox.rebuilt import ModelError, rebuilt_exception, reissue_warnings
from secureload.sandbox.wire.errors import Unencodable, WireValueError
from secureload.sandbox.wire.frame import Kind, Message
from secureload.sandbox.wire.values import Decoder, Encoder

__all__ = ["Reference", "Session"]

_LOAD_HINT = "use the library versions that it was saved with"
_WARNING_STACK = 6
_IDENTIFIER_CHARS = 200
_ABILITIES = frozenset({"call", "len", "item", "iter", "html"})


class Reference:
    """An object that stays in the worker, by number; when it is dropped here, it is released there."""

    __slots__ = ("__weakref__", "can", "module", "number", "qualname", "session")

    def __init__(
        self, session: Session, number: int, module: str, qualname: str, can: frozenset[str]
    ) -> None:
        self.session = session
        self.number = number
        self.module = module
        self.qualname = qualname
        self.can = can


class Session:
    """Owns the worker of one load. Thread-safe; of the process that made it only.

    ``wrap`` makes the object that stands for a :class:`Reference` (the proxy); ``unwrap`` gives back the
    reference of such an object, or None.
    """

    def __init__(
        self,
        worker: Worker,
        limits: Limits,
        wrap: Callable[[Reference], Any],
        unwrap: Callable[[Any], Reference | None],
    ) -> None:
        self._worker = worker
        self._limits = limits
        self._wrap = wrap
        self._unwrap = unwrap
        self._lock = threading.Lock()
        self._asking = 0  # the thread that holds the lock
        self._owner = os.getpid()
        self._request = 0
        self._dropped: list[int] = []
        self._counts: dict[int, int] = {}
        self._end: SandboxError | None = None
        self._finalizer = weakref.finalize(self, worker.close)

    @property
    def confinement(self) -> Confinement:
        """What is enforced around the worker."""
        return self._worker.confinement

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._worker.pid

    @property
    def closed(self) -> bool:
        """Whether the worker is gone."""
        return self._end is not None

    def close(self) -> None:
        """End the worker; closing twice does nothing."""
        if self._end is None:
            self._end = SandboxError("this model was closed", hint="load it again")
        self._finalizer()

    def root(self) -> Any:
        """Receive the loaded object: data, with proxies in the places of what is not.

        Raises:
            LoadFailedError: loading it raised an exception.
            SandboxError: the worker died, or did not answer.
        """
        try:
            with self._turn():
                return self._receive(0, self._limits.worker_load_seconds)
        except ModelError as error:
            raise LoadFailedError(f"loading it failed: {printable(error)}", hint=_LOAD_HINT) from None
        except SandboxError:
            raise
        except Exception as error:  # what the payload, or a class that it names, raised
            what = f"{type(error).__name__}: {error}"
            raise LoadFailedError(f"loading it failed: {printable(what)}", hint=_LOAD_HINT) from error

    def request(self, op: str, ref: Reference, **fields: Any) -> Any:
        """Ask the worker and return the answer.

        Raises whatever the model raises, as the nearest class that is known here; a :class:`SandboxError`
        where the worker is gone, too slow, or does not keep to the protocol.
        """
        return self._exchange({"op": op, "ref": ref.number, **fields}, ())

    def call(self, ref: Reference, name: str | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a method (or the object itself, where ``name`` is None) with data."""
        encoder = Encoder(self._limits, self._own_reference)
        try:
            encoded = [encoder.encode(arg) for arg in args]
            named = {key: encoder.encode(value) for key, value in kwargs.items()}
        except Unencodable as error:
            raise UsageError(
                f"{error} cannot be sent to the sandbox: only data crosses",
                hint=error.hint or "pass arrays, lists, DataFrames or sparse matrices",
            ) from None
        body = {"op": "call", "ref": ref.number, "name": name, "args": encoded, "kwargs": named}
        return self._exchange(body, tuple(encoder.segments))

    def encode_key(self, key: Any) -> Any:
        """Encode an index or key, which holds no arrays."""
        encoder = Encoder(self._limits)
        try:
            tree = encoder.encode(key)
        except Unencodable as error:
            raise TypeError(f"{error} cannot be an index here") from None
        if encoder.segments:
            raise TypeError("an array cannot be an index here")
        return tree

    # ------------------------------------------------------------------------------------------------

    def _exchange(self, body: dict[str, Any], segments: tuple[Any, ...]) -> Any:
        if os.getpid() != self._owner:
            raise SandboxError(
                f"this model belongs to process {self._owner}, which forked this one",
                hint="call safe_load() after the fork, in each process",
            )
        with self._turn():
            if self._end is not None:
                raise self._end
            self._request = (self._request % 0xFFFFFFFF) + 1
            if self._dropped:
                dropped, self._dropped = self._dropped, []
                body["release"] = dropped
            try:
                self._worker.channel.send(
                    Message(Kind.REQUEST, self._request, body, segments),
                    seconds=self._limits.worker_call_seconds,
                )
            except ChannelClosedError:
                raise self._died() from None
            except ChannelTimeoutError as error:
                raise self._broken(error) from None
            except SandboxError:  # too large: nothing of it was sent
                raise
            except BaseException:
                self._interrupted()
                raise
            return self._receive(self._request, self._limits.worker_call_seconds)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Hold the wire. An answer that asks again (a proxy in the place of an array) would wait for itself."""
        if self._asking == threading.get_ident():
            raise SandboxError("this model was asked in the middle of its own answer", hint="load it again")
        with self._lock:
            self._asking = threading.get_ident()
            try:
                yield
            finally:
                self._asking = 0

    def _receive(self, request: int, seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        try:
            message, _ = self._worker.channel.receive(seconds=seconds)
            if message.request_id != request or message.kind not in {Kind.REPLY, Kind.FAILURE}:
                raise SandboxError("the sandboxed worker answered out of turn")
            if not isinstance(message.body, dict):
                raise SandboxError("the sandboxed worker answered with something that is not an answer")
            if message.kind is Kind.REPLY:
                value = self._decode(message, deadline)
        except ChannelClosedError:
            raise self._died() from None
        except SandboxError as error:
            raise self._broken(error) from None
        except WireValueError as error:
            raise self._broken(SandboxError(f"the sandboxed worker answered with {error}")) from None
        except BaseException:  # Ctrl-C while waiting: the next answer on the wire would be this one
            self._interrupted()
            raise
        # An array of this request may live on in the shared memory.
        self._worker.channel.settle(kept=bool(message.body.get("kept")))
        reissue_warnings(message.body.get("warnings"), _WARNING_STACK)
        if message.kind is Kind.FAILURE:
            raise rebuilt_exception(message.body, self._limits)
        return value

    def _decode(self, message: Message, deadline: float) -> Any:
        decoder = Decoder(message.segments, self._limits, self._reference, deadline=deadline)
        return decoder.decode(message.body.get("value"))

    def _interrupted(self) -> None:
        self._broken(SandboxError("this model was interrupted in the middle of a call", hint="load it again"))

    def _died(self) -> SandboxError:
        return self._broken(self._worker.died())

    def _broken(self, error: SandboxError) -> SandboxError:
        """After any break of the protocol the worker is not asked again."""
        if self._end is None:
            self._end = error
        self._finalizer()
        return error

    def _reference(self, tree: list[Any]) -> Any:
        _, number, module, qualname, can = tree
        names = all(isinstance(text, str) and len(text) <= _IDENTIFIER_CHARS for text in (module, qualname))
        if type(number) is not int or number < 0 or not names or not isinstance(can, list):
            raise WireValueError("a reference that is none")
        abilities = frozenset(word for word in can if isinstance(word, str)) & _ABILITIES
        reference = Reference(self, number, printable(module), printable(qualname), abilities)
        self._counts[number] = self._counts.get(number, 0) + 1
        weakref.finalize(reference, _drop, weakref.ref(self), number).atexit = False
        return self._wrap(reference)

    def _own_reference(self, value: Any) -> Any:
        reference = self._unwrap(value)
        if reference is None or reference.session is not self:
            what = (
                "a model of another sandbox"
                if reference is not None
                else f"an object of type {type(value).__qualname__}"
            )
            raise Unencodable(what)
        return ["r", reference.number]


def _drop(owner: weakref.ref[Session], number: int) -> None:
    session = owner()
    if session is None:
        return
    left = session._counts.get(number, 1) - 1
    session._counts[number] = left
    if left <= 0:
        session._counts.pop(number, None)
        session._dropped.append(number)
