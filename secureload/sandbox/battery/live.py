"""The battery in real workers: from the zygote, locked down and proved as each worker is that loads a model."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from secureload.errors import SandboxError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.sandbox.battery.attempt import Scene
from secureload.sandbox.battery.catalog import ATTEMPTS, EARLY, UNCOUNTED
from secureload.sandbox.battery.memory import BOMB_BYTES
from secureload.sandbox.battery.wire import SPEECHES
from secureload.sandbox.channel import ChannelClosedError
from secureload.sandbox.host import Spawned, Worker
from secureload.sandbox.layers.namespaces import has_user_namespace
from secureload.sandbox.proof import Confinement, ConfinementMissingError
from secureload.sandbox.session import Session
from secureload.sandbox.terms import STRICT, Terms
from secureload.sandbox.wire.frame import Kind, Message
from secureload.values import dataclass, fields_of, replace

__all__ = ["CANARY", "NAMES", "RELAXED_LOOKS", "RELAXED_READS", "Live", "canaries", "run_live"]

NAMES = (*ATTEMPTS, *SPEECHES)
CANARY = b"here"
# What the relaxed filter lets through: libraries are loaded; and where there is no root of its own, files that cannot
# be opened can be looked at, for Landlock has no say in that.
RELAXED_READS = frozenset({"files: where am I", "files: load a library"})
RELAXED_LOOKS = frozenset(
    {"files: stat", "files: statx", "files: access", "files: faccessat2", "files: follow a link"}
)
_VARIABLE = "SECURELOAD_CANARY"
_MEMORY_BYTES = BOMB_BYTES // 2
_SHARED_BYTES = 16 << 20
_CPU_SECONDS = 1
_SECONDS = 60.0
# How long the parent of a hostile worker waits for an answer, and how much longer is still in time.
_ANSWER_SECONDS, _GRACE_SECONDS = 1.5, 3.0
# For what comes behind an answer that is one.
_BEHIND_SECONDS = 0.6


@dataclass(frozen=True, slots=True)
class Live:
    """What became of each attempt, around what confinement, and whether the canaries are as they were."""

    outcomes: dict[str, str]
    confinement: Confinement
    untouched: bool

    @property
    def through(self) -> tuple[str, ...]:
        """The attempts that got out."""
        return tuple(name for name, found in self.outcomes.items() if found == "through")


@contextlib.contextmanager
def canaries() -> Iterator[Scene]:
    """Give a folder with a file in it, and a process that does nothing; both end with the block."""
    with tempfile.TemporaryDirectory(prefix="secureload-battery-") as name:
        folder = Path(name)
        (folder / "canary").write_bytes(CANARY)
        (folder / "canary").chmod(0o666)
        folder.chmod(0o777)
        reader, writer = os.pipe()
        victim = os.fork()
        if victim == 0:
            os.close(writer)
            os.read(reader, 1)  # until the parent ends
            os._exit(0)
        os.close(reader)
        try:
            yield Scene(folder, victim)
        finally:
            os.close(writer)
            os.waitpid(victim, 0)


def run_live(
    scene: Scene,
    names: Sequence[str] = NAMES,
    told: Callable[[int], None] = lambda done: None,
    *,
    terms: Terms = STRICT,
) -> Live:
    """Make the attempts and return what became of them; ``told`` hears how many are done.

    ``terms`` with the relaxed filter show what that lets through: :data:`RELAXED_READS`, and :data:`RELAXED_LOOKS`
    where there are no namespaces.

    Raises:
        SandboxError: there is no sandbox here.
    """
    os.environ[_VARIABLE] = "x"
    runner = _Runner(scene, terms)
    outcomes: dict[str, str] = {}
    try:
        for name in names:
            outcomes[name] = runner.spoken(name) if name in SPEECHES else runner.tried(name)
            told(len(outcomes))
        confinement = runner.confinement
    finally:
        runner.close()
        os.environ.pop(_VARIABLE, None)
    left = {file.name: file.read_bytes() for file in scene.folder.iterdir()}
    return Live(outcomes, confinement, left == {"canary": CANARY} and _lives(scene.victim))


class _Runner:
    """Keeps one worker for the attempts that do not end it."""

    def __init__(self, scene: Scene, terms: Terms) -> None:
        self._scene = scene
        self._terms = terms
        self._artifact = os.memfd_create("secureload-artifact", os.MFD_ALLOW_SEALING)
        os.write(self._artifact, bytes(4096))
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
        fcntl.fcntl(self._artifact, fcntl.F_ADD_SEALS, seals)
        self._kept: Worker | None = None
        self._seen: Confinement | None = None

    @property
    def confinement(self) -> Confinement:
        """What is enforced around the workers without a thread from before."""
        if self._seen is None:
            self._start(_SECONDS, early=False, cpu_seconds=0).close()
        return self._seen or Confinement(())

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
        os.close(self._artifact)

    def tried(self, name: str) -> str:
        attempt = ATTEMPTS[name]
        if attempt.fatal or name == EARLY:
            cpu = _CPU_SECONDS if name.startswith("limits") else 0
            try:
                worker = self._start(_SECONDS, early=name == EARLY, cpu_seconds=cpu)
            except ConfinementMissingError:
                if name != EARLY or self._terms.filter == "strict":
                    raise
                return "refused"  # neither Landlock nor a root says which files are read
            with contextlib.closing(worker):
                return self._asked(worker, name)
        if self._kept is None:
            self._kept = self._start(_SECONDS, early=False, cpu_seconds=0)
            found = self._asked(self._kept, name)
        else:
            found = self._asked_again(self._kept, name)
        if found.startswith("killed"):
            self._kept.close()
            self._kept = None
        if name == UNCOUNTED and found == "through" and not self._counts_threads():
            return "uncounted"
        return found

    def spoken(self, name: str) -> str:
        """Let a worker say something hostile, and return what its parent, the one of every model, makes of it."""
        limits = replace(
            DEFAULT_LIMITS, worker_load_seconds=_ANSWER_SECONDS, worker_call_seconds=_ANSWER_SECONDS
        )
        worker = self._start(_SECONDS, early=False, cpu_seconds=0)
        begin = time.monotonic()
        session = Session(worker, limits, _NO_PARTS)
        try:
            worker.open(self._artifact, {"speak": name}, seconds=_SECONDS)
            value = session.root()
            judge = SPEECHES[name].harmless
            if judge is not None:
                time.sleep(_BEHIND_SECONDS)
                return "intact" if judge(value) else "through"
        except SandboxError:
            return "refused" if time.monotonic() - begin < _ANSWER_SECONDS + _GRACE_SECONDS else "through"
        finally:
            session.close()
        return "through"

    def _start(self, seconds: float, *, early: bool, cpu_seconds: int) -> Worker:
        config: dict[str, Any] = {
            "memory_bytes": _MEMORY_BYTES,
            "cpu_seconds": cpu_seconds,
            "limits": fields_of(DEFAULT_LIMITS),
            "early_thread": early,
        }
        limits: Limits = replace(DEFAULT_LIMITS, worker_start_seconds=seconds)
        worker = Spawned("battery").configured(config, limits, shared_bytes=_SHARED_BYTES, terms=self._terms)
        if not early:
            self._seen = worker.confinement
        return worker

    def _asked(self, worker: Worker, name: str) -> str:
        task = {"folder": str(self._scene.folder), "victim": self._scene.victim, "names": [name]}
        worker.open(self._artifact, task, seconds=_SECONDS)
        return self._answered(worker, name)

    def _asked_again(self, worker: Worker, name: str) -> str:
        worker.channel.send(Message(Kind.REQUEST, 0, {"names": [name]}), seconds=_SECONDS)
        return self._answered(worker, name)

    def _answered(self, worker: Worker, name: str) -> str:
        try:
            message, _ = worker.channel.receive(seconds=_SECONDS)
        except ChannelClosedError:
            return f"killed: {worker.died().message.rpartition(': ')[2]}"
        found = message.body.get(name)
        return found if isinstance(found, str) else "through"

    def _counts_threads(self) -> bool:
        """Whether the kernel counts the threads of a worker: of a user who is not root, in a namespace of its own."""
        layers = {layer.name: layer for layer in self.confinement.layers}
        return layers["user"].enforced and has_user_namespace(layers["namespaces"])


class _NoParts:
    """Nothing stands for an object of this worker."""

    def stand_for(self, *_: object) -> None:
        """Return nothing."""

    def number_of(self, *_: object) -> None:
        """Know nothing."""


_NO_PARTS = _NoParts()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
