"""One loaded model, from the caller's side: in one worker or several, started again after a crash.

Every worker is loaded from the same pinned bytes. A call goes to the least busy one. A call that a worker
dies of, or does not answer in time, is an error; the next call starts that worker again, a limited number of
times. After a fork the child's calls start workers of its own, from a zygote of its own.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Protocol

from secureload import events
from secureload.errors import SandboxError, SecureloadError, UsageError
from secureload.limits import Limits
from secureload.sandbox.background import Background
from secureload.sandbox.call_limits import CallLimits, call_limits, limited
from secureload.sandbox.host import Spawned, Worker
from secureload.sandbox.proof import Confinement
from secureload.sandbox.reference import Described, Origin, Reference, UnplacedError
from secureload.sandbox.restarts import RestartBudget
from secureload.sandbox.session import (
    Collector,
    Session,
    UnknownLibrariesError,
    UnsentError,
    again,
    encode_key,
)
from secureload.sandbox.settings import changed_settings
from secureload.sandbox.wire.errors import Unencodable
from secureload.values import dataclass

__all__ = ["Loadable", "Model", "ModelOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """How a model is run: ``restarts`` None leaves the number to the limits, 0 switches them off."""

    replicas: int = 1
    restarts: int | None = None
    calls: CallLimits | None = None
    memory_bytes: int | None = None

    def __post_init__(self) -> None:
        """Raise :class:`UsageError` for what is no number of workers or restarts."""
        if not (type(self.replicas) is int and self.replicas >= 1):
            raise UsageError(f"replicas is a number of workers, 1 or more, not {self.replicas!r}")
        if self.restarts is not None and not (type(self.restarts) is int and self.restarts >= 0):
            raise UsageError(f"restarts is a number, 0 or more, not {self.restarts!r}")
        CallLimits(memory_bytes=self.memory_bytes)


class Loadable(Protocol):
    """Pinned bytes that any number of workers can be given."""

    def start(self, spawned: Spawned | None = None) -> Worker:
        """Return a worker that is loading them; ``spawned`` is one that was asked for before."""

    def unknown(self) -> frozenset[str]:
        """Return the libraries of inputs that a worker which is started now does not import."""

    def learn(self, libraries: Collection[str]) -> None:
        """Have the workers that are started from now on import these libraries of inputs too."""

    def close(self) -> None:
        """Give the bytes up."""


class _Slot:
    """A place for one worker."""

    __slots__ = ("busy", "fresh", "lock", "number", "session")

    def __init__(self, number: int) -> None:
        self.number = number
        self.session: Session | None = None
        self.busy = 0
        self.fresh = True  # whether a worker that is started here replaces none
        self.lock = threading.Lock()


class _Abandoned:
    """What becomes of a call that nobody waits for any more: it may end by itself, for a while."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._session: Session | None = None
        self._thread = 0
        self._given_up = False

    def asks(self, session: Session) -> None:
        """Note that this thread is about to ask ``session``; raise where nobody would hear the answer."""
        if self._given_up:
            raise _abandoned()
        self._session, self._thread = session, threading.get_ident()

    def give_up(self, call: Future[Any]) -> None:
        """Let the call end, or end its worker."""
        self._given_up = True
        threading.Thread(target=self._end, args=(call,), name="secureload-abandoned", daemon=True).start()

    def _end(self, call: Future[Any]) -> None:
        while not wait([call], timeout=self._seconds).done:
            if self._session is not None:
                self._session.abandon(_abandoned(), self._thread)


class Model:
    """Owns the workers of one load. Thread-safe, and good in a process that was forked since."""

    def __init__(
        self,
        source: Loadable,
        limits: Limits,
        options: ModelOptions,
        *,
        wrap: Callable[[Reference], Any],
        unwrap: Callable[[Any], Reference | None],
        name: str = "",
    ) -> None:
        """``wrap`` makes the object that stands for a reference (the proxy); ``unwrap`` gives it back, or None."""
        self.name = name
        self.restarts = 0
        self._source = source
        self._limits = limits
        self._options = options
        self._wrap = wrap
        self._unwrap = unwrap
        self._slots = [_Slot(number) for number in range(options.replicas)]
        self._only = self._slots[0] if len(self._slots) == 1 else None
        self._lock = threading.Lock()
        allowed = limits.worker_restarts if options.restarts is None else options.restarts
        self._may_restart = allowed > 0
        self._budget = RestartBudget(max(allowed, 1), limits.worker_restart_window_seconds)
        self._background = Background(options.replicas)
        self._closed = False
        self._confinement: Confinement | None = None
        # What was asked of every worker, and is asked of each that is started.
        self._settled: dict[weakref.ref[Reference], str] = {}
        # Looks at the arguments of each call of the loaded object itself before they are sent, and may refuse them.
        self.guard: Callable[[str | None, tuple[Any, ...], dict[str, Any]], None] | None = None
        _models.add(self)

    # -- life --------------------------------------------------------------------------------------------

    def load(self, spawned: Spawned | None = None) -> Any:
        """Load the model into its workers, and return it: data, with proxies in the places of what is not.

        Raises:
            LoadFailedError: loading it raised an exception.
            SandboxError: a worker could not be started, died, or did not answer.
        """
        try:
            first = self._slots[0]
            first.session = session = self._begin(spawned)
            root = session.root()
            self._seat(first, session)
            self._start_others()
        except BaseException:
            self.close()
            raise
        return root

    @property
    def closed(self) -> bool:
        """Whether it was closed; a crash does not close it."""
        return self._closed

    @property
    def confinement(self) -> Confinement:
        """What is enforced around its workers."""
        if self._confinement is None:
            raise SandboxError("this model has no worker", hint="load it again")
        return self._confinement

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of its live workers."""
        sessions = [slot.session for slot in self._slots]
        return tuple(session.pid for session in sessions if session is not None and session.end is None)

    @property
    def pid(self) -> int:
        """The process id of its first live worker; 0 where there is none."""
        return next(iter(self.pids), 0)

    def close(self) -> None:
        """End the workers; closing twice does nothing."""
        if self._closed:
            return
        self._closed = True
        for slot in self._slots:
            session = slot.session
            if session is not None:
                session.close()
        self._source.close()
        self._background.close()
        events.emit(events.CLOSE, model=self.name, restarts=self.restarts)

    def limited(self, limits: CallLimits) -> AbstractContextManager[None]:
        """Let ``limits`` hold for the calls of this model in a block."""
        return limited(self, limits)

    # -- questions ---------------------------------------------------------------------------------------

    def request(self, op: str, ref: Reference, **fields: Any) -> Any:
        """Ask a worker and return the answer.

        Raises whatever the model raises, as the nearest class that is known here; a :class:`SandboxError`
        where the worker dies, is too slow, or does not keep to the protocol.
        """
        limits = self._limits_of_call()
        return self._asked(lambda session: session.request(op, ref, limits=limits, **fields), ref)

    def call(self, ref: Reference, name: str | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a method (or the object itself, where ``name`` is None) with data; raises as :meth:`request`."""
        if self.guard is not None and ref.origin.parent is None:
            self.guard(name, args, kwargs)
        limits = self._limits_of_call()
        only = self._only
        if only is not None and not events.wanted(events.CALL):
            session = only.session
            if session is not None and session.end is None:
                try:
                    return session.call(ref, name, args, kwargs, limits)
                except (UnsentError, UnplacedError, UnknownLibrariesError):
                    pass  # nothing was sent
        return self._told(lambda session: session.call(ref, name, args, kwargs, limits), ref, name)

    async def acall(
        self, ref: Reference, name: str | None, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Call as :meth:`call` does, without blocking the event loop.

        Where the awaiting task is cancelled, a call that waits for its turn is not made; one that runs may end
        within ``worker_abandoned_seconds``, and then its worker is ended and started again by the next call.
        """
        if self.guard is not None and ref.origin.parent is None:
            self.guard(name, args, kwargs)
        limits = self._limits_of_call()
        abandoned = _Abandoned(self._limits.worker_abandoned_seconds)

        def ask(session: Session) -> Any:
            abandoned.asks(session)
            return session.call(ref, name, args, kwargs, limits)

        return await self._background.run(lambda: self._told(ask, ref, name), abandoned.give_up)

    def _limits_of_call(self) -> CallLimits | None:
        """Return what holds for a call that is made here and now: its bounds, and the settings of this thread."""
        limits = call_limits(self)
        limits = self._options.calls if limits is None else limits.over(self._options.calls)
        settings = changed_settings()
        if settings is None:
            return limits
        if limits is None:
            return CallLimits(settings=settings)
        return CallLimits(limits.timeout_seconds, limits.memory_bytes, settings)

    def settle(self, ref: Reference, name: str) -> None:
        """Call a method without arguments in every worker, and from now on in each that is started."""
        self._settled[weakref.ref(ref)] = name
        for slot in self._slots:
            self._placed(partial(_called, ref, name), self._live(slot))

    def encode_key(self, key: Any) -> Any:
        """Encode an index or key, which holds no arrays."""
        return encode_key(key, self._limits)

    def _told(self, ask: Callable[[Session], Any], ref: Reference, name: str | None) -> Any:
        """Ask, and tell whoever listens how it went."""
        if not events.wanted(events.CALL):
            return self._asked(ask, ref)
        start = time.perf_counter()
        outcome = "ok"
        try:
            return self._asked(ask, ref)
        except BaseException as error:
            outcome = error.code if isinstance(error, SecureloadError) else type(error).__name__
            raise
        finally:
            seconds = time.perf_counter() - start
            method = f"{ref.qualname}.{name or '__call__'}"
            events.emit(events.CALL, model=self.name, method=method, outcome=outcome, seconds=seconds)

    def _asked(self, ask: Callable[[Session], Any], ref: Reference) -> Any:
        """Ask the least busy worker; once more, of a fresh one, where the first was gone before it was asked."""
        slot = self._only or self._taken(ref)
        try:
            for last in (False, True):
                session = self._live(slot)
                try:
                    return self._placed(ask, session)
                except UnknownLibrariesError as error:
                    self._learn(slot, session, error.libraries)
                except UnsentError as error:
                    if last or not self._may_restart or self._closed:
                        raise again(error.error) from None
            raise SandboxError("this model's worker was started again and again", hint="call it again")
        finally:
            if self._only is None:
                with self._lock:
                    slot.busy -= 1

    def _placed(self, ask: Callable[[Session], Any], session: Session) -> Any:
        """Ask; find first what of the question the worker does not know yet."""
        for _ in range(_MOST_PLACED):
            try:
                return ask(session)
            except UnplacedError as error:
                self._place(error.reference, session)
        raise SandboxError("too many parts of this model are not known to its worker", hint="load it again")

    # -- workers -----------------------------------------------------------------------------------------

    def _taken(self, ref: Reference) -> _Slot:
        with self._lock:
            slot = self._least_busy(ref)
            slot.busy += 1
            return slot

    def _least_busy(self, ref: Reference) -> _Slot:
        slots: list[_Slot] = self._slots
        if ref.origin.question is None and ref.origin.parent is not None:
            # What a call gave lives in one worker alone.
            slots = [slot for slot in slots if slot.session in ref.places] or slots
        live = [slot for slot in slots if slot.session is not None and slot.session.end is None]
        dead = [slot for slot in slots if slot not in live]
        idle = min(live, key=_busyness, default=None)
        # A worker that died is started again when the others have work to do.
        if dead and (idle is None or idle.busy):
            return dead[0] if idle is None or self._may_restart else idle
        return idle or slots[0]

    def _live(self, slot: _Slot) -> Session:
        session = slot.session
        if session is not None and session.end is None:
            return session
        with slot.lock:
            session = slot.session
            if session is not None and session.end is None:
                return session
            if self._closed:
                raise SandboxError("this model was closed", hint="load it again")
            return self._start(slot)

    def _start(self, slot: _Slot) -> Session:
        """Start a worker in ``slot``, where none is live, and load the model into it."""
        ended = slot.session
        reason = None if ended is None else ended.end
        if reason is not None and not slot.fresh:
            if not self._may_restart:
                raise again(reason)
            if ended is None or not ended.abandoned:
                self._budget.spend(reason)
        start = time.perf_counter()
        session = self._begin(None)
        collector = Collector()
        try:
            session.root(collector)
            session.roots = tuple(collector.found)
            for settled, name in list(self._settled.items()):
                ref = settled()
                if ref is not None:
                    self._placed(partial(_called, ref, name), session)
        except BaseException:
            session.close()
            raise
        restarted = not slot.fresh
        self._seat(slot, session)
        if restarted:
            self.restarts += 1
            seconds = time.perf_counter() - start
            why = "" if reason is None else str(reason)
            events.emit(
                events.RESTART,
                model=self.name,
                reason=why,
                restarts=self.restarts,
                replica=slot.number,
                seconds=seconds,
            )
        return session

    def _learn(self, slot: _Slot, session: Session, libraries: Collection[str]) -> None:
        """Give up a worker that does not know the libraries of its inputs, which were imported here since."""
        with slot.lock:
            self._source.learn(libraries)
            if slot.session is session:
                session.retire(
                    SandboxError("this worker did not know what it was given", hint="call it again")
                )
                slot.session, slot.fresh = None, True

    def _seat(self, slot: _Slot, session: Session) -> None:
        slot.session = session
        slot.fresh = False
        if self._closed:  # while it was started
            session.close()

    def _begin(self, spawned: Spawned | None) -> Session:
        unknown = self._source.unknown()
        worker = self._source.start(spawned)
        self._confinement = worker.confinement
        session = Session(worker, self._limits, self)
        session.unknown = unknown
        return session

    def _start_others(self) -> None:
        errors: list[BaseException] = []

        def start(slot: _Slot) -> None:
            try:
                self._live(slot)
            except BaseException as error:  # it is raised below
                errors.append(error)

        threads = [threading.Thread(target=start, args=(slot,), daemon=True) for slot in self._slots[1:]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    # -- references --------------------------------------------------------------------------------------

    def stand_for(
        self,
        session: Session,
        described: Described,
        asked: tuple[Reference | None, Mapping[str, Any]],
        position: int,
    ) -> Any:
        """Return the proxy of an object that an answer of ``session`` describes."""
        parent, body = asked
        question = (
            None
            if body["op"] not in _REPEATABLE
            else {key: value for key, value in body.items() if key not in ("ref", "release")}
        )
        reference = Reference(self, described, Origin(parent, question, position))
        reference.place(session, described.number)
        return self._wrap(reference)

    def number_of(self, value: Any, session: Session) -> int | None:
        """Return the number in ``session`` of what a proxy stands for; None for anything else."""
        reference = self._unwrap(value)
        if reference is None:
            return None
        if reference.session is not self:
            raise Unencodable("a model of another sandbox")
        return reference.number_in(session)

    def _place(self, reference: Reference, session: Session) -> None:
        """Find the object of ``reference`` in ``session`` by asking what was asked when it was given.

        Raises:
            SandboxError: it cannot be found there.
        """
        origin = reference.origin
        if origin.parent is None:
            described = session.roots
        elif origin.question is None:
            raise _lost(reference)
        else:
            parent = origin.parent
            collector = Collector()
            fields = dict(origin.question)
            op = fields.pop("op")
            self._placed(lambda s: s.request(op, parent, parts=collector, **fields), session)
            described = tuple(collector.found)
        for position, item in enumerate(described):
            if position == origin.position and item.is_like(reference):
                reference.place(session, item.number)
            elif origin.parent is not None:
                session.drop(item.number)
        if session not in reference.places:
            raise _lost(reference)

    # -- after a fork ------------------------------------------------------------------------------------

    def renew(self) -> None:
        """Forget the workers of the process that forked this one; the first call starts others."""
        self._lock = threading.Lock()
        self._budget.renew_lock()
        self._background.renew()
        for slot in self._slots:
            session, slot.session = slot.session, None
            slot.lock = threading.Lock()
            slot.busy = 0
            slot.fresh = True
            if session is not None:
                session.close(_forked())


# Requests that give the same object when they are made again.
_REPEATABLE = frozenset({"load", "get", "item"})
# References in the arguments of one call.
_MOST_PLACED = 1_000
_models: weakref.WeakSet[Model] = weakref.WeakSet()


def _called(ref: Reference, name: str, session: Session) -> Any:
    return session.call(ref, name, (), {})


def _busyness(slot: _Slot) -> int:
    return slot.busy


def _lost(reference: Reference) -> SandboxError:
    return SandboxError(
        f"this part of the model ({reference.qualname}) was lost with its worker",
        hint="get it from the model again",
    )


def _abandoned() -> SandboxError:
    return SandboxError("this call was given up by whoever awaited it", hint="call it again")


def _forked() -> SandboxError:
    return SandboxError("this worker belongs to the process that forked this one", hint="call it again")


def _after_fork() -> None:
    for model in list(_models):
        model.renew()


os.register_at_fork(after_in_child=_after_fork)
