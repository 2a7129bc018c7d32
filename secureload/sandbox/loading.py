"""Load an admitted artifact into a confined worker."""

from __future__ import annotations

import fcntl
import logging
import os
import sys
import warnings
import weakref
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from secureload.errors import SandboxError, UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.trace import Trace
from secureload.sandbox.callers import callers_level
from secureload.sandbox.host import Spawned, Worker
from secureload.sandbox.launch import application_paths
from secureload.sandbox.model import Model, ModelOptions
from secureload.sandbox.proxy import ModelProxy, proxy_of, reference_of
from secureload.sandbox.roles.needed import modules_of
from secureload.sandbox.terms import STRICT, ReducedConfinementWarning, Terms
from secureload.values import fields_of

if TYPE_CHECKING:
    from secureload.policy.verdict import Verdict

__all__ = ["PinnedModel", "load_confined", "loader_config", "spawn_loader"]

ONE_WORKER = ModelOptions()
# Libraries of inputs, and what of them is imported.
_INPUTS = {"pandas": "pandas", "polars": "polars", "pyarrow": "pyarrow", "scipy": "scipy.sparse"}
_LOGGER = logging.getLogger("secureload.sandbox")


class PinnedModel:
    """The pinned bytes of a model and what a worker must know to load them: once, or again after a crash."""

    def __init__(
        self,
        descriptor: int,
        size: int,
        trace: Trace,
        limits: Limits,
        *,
        own_modules: Collection[str] = (),
        memory_bytes: int | None = None,
        terms: Terms = STRICT,
        verdict: Verdict | None = None,
        reading: str = "",
    ) -> None:
        """``descriptor`` stays the caller's; ``memory_bytes`` is what a worker may take beyond its libraries.

        Where ``terms`` accept less than the required confinement, and there is less, a worker that is started
        warns of it, and so does ``verdict`` in its confinement.
        """
        self._limits = limits
        self._memory_bytes = memory_bytes
        self._terms = terms
        self._verdict = verdict
        self._task = {"size": size, "reading": reading or trace.reading}
        self._config = loader_config(size, trace, limits, own_modules, reading)
        self._descriptor = _duplicate(descriptor)
        self._finalizer = weakref.finalize(self, os.close, self._descriptor)
        self._finalizer.atexit = False

    def start(self, spawned: Spawned | None = None) -> Worker:
        """Return a worker that is confined, proved, and loading the bytes.

        Raises:
            SandboxError: it could not be started, or was closed.
        """
        if not self._finalizer.alive:
            raise SandboxError("this model was closed", hint="load it again")
        limits = self._limits
        loader = spawn_loader() if spawned is None else spawned
        shared = limits.worker_shared_bytes
        worker = loader.configured(self._config, limits, shared_bytes=shared, terms=self._terms)
        if self._verdict is not None:
            worker.confinement = worker.confinement.about(self._verdict)
        try:
            _tell_if_reduced(worker)  # raises, where the caller's filters make an error of it
            if self._memory_bytes is not None:
                worker.cap(self._memory_bytes)
            worker.open(self._descriptor, self._task, seconds=limits.worker_load_seconds)
        except BaseException:
            worker.close()
            raise
        return worker

    def unknown(self) -> frozenset[str]:
        """Return the libraries of inputs that a worker which is started now does not import."""
        known = {module.partition(".")[0] for module in self._config["modules"]} | {"scipy"}  # which all have
        return frozenset(_INPUTS) - known

    def learn(self, libraries: Collection[str]) -> None:
        """Have the workers that are started from now on import these libraries of inputs too."""
        more = [module for library, module in _INPUTS.items() if library in libraries]
        self._config = {**self._config, "modules": list(dict.fromkeys((*self._config["modules"], *more)))}

    def close(self) -> None:
        """Give the bytes up."""
        self._finalizer()


def load_confined(
    descriptor: int,
    size: int,
    trace: Trace,
    limits: Limits = DEFAULT_LIMITS,
    *,
    own_modules: Collection[str] = (),
    spawned: Spawned | None = None,
    terms: Terms = STRICT,
    verdict: Verdict | None = None,
    options: ModelOptions = ONE_WORKER,
    name: str = "",
    reading: str = "",
) -> Any:
    """Unpickle the pinned bytes in ``descriptor`` in workers and return what stands for the object.

    The workers resolve exactly the globals that ``trace`` names, which the verdict admitted. Plain data comes
    back as data; anything else as a :class:`ModelProxy`, or as data that holds some.

    ``own_modules`` are the caller's own: they may be imported from its script folder and working directory too,
    after all others were imported from where libraries are installed. ``spawned`` is a worker that was asked for
    before (:func:`spawn_loader`). ``options`` says how many workers there are and what they may take, ``terms`` and
    ``verdict`` what their confinement must be and tells (:class:`PinnedModel`).
    ``reading`` names the reader of a format that is no pickle (:mod:`secureload.sandbox.roles.data_readers`).

    Raises:
        SandboxError: a worker could not be confined, died, or did not answer.
        Exception: whatever the payload raises while it loads.
    """
    if options.replicas > limits.worker_replicas:
        raise UsageError(
            f"{options.replicas:,} replicas are more than worker_replicas allows: {limits.worker_replicas:,}",
            hint="each is a process with the whole model",
        )
    source = PinnedModel(
        descriptor,
        size,
        trace,
        limits,
        own_modules=own_modules,
        memory_bytes=options.memory_bytes,
        terms=terms,
        verdict=verdict,
        reading=reading,
    )
    model = Model(source, limits, options, wrap=proxy_of, unwrap=reference_of, name=name)
    root = model.load(spawned)
    if not isinstance(root, ModelProxy) and not _holds_proxy(root):
        model.close()
    return root


def loader_config(
    size: int, trace: Trace, limits: Limits, own_modules: Collection[str] = (), reading: str = ""
) -> dict[str, Any]:
    """Return the configuration of a worker that loads what ``trace`` names; see :func:`load_confined`."""
    refs = [item.ref for item in trace.imports]
    modules = dict.fromkeys(ref.module for ref in refs)
    modules.update(dict.fromkeys((*modules_of(reading), *_inputs())))
    return {
        "memory_bytes": limits.worker_memory_bytes + size,  # arrays are used where they lie in the file
        "cpu_seconds": 0,
        "limits": fields_of(limits),
        "path": list(application_paths()) if own_modules else [],
        "modules": [module for module in modules if module not in own_modules],
        "own_modules": [module for module in modules if module in own_modules],
        "globals": [[ref.module, ref.name] for ref in refs],
    }


def spawn_loader() -> Spawned:
    """Ask for a worker that will load a model, and do not wait for it: it is forked while the payload is traced."""
    return Spawned("load")


def _tell_if_reduced(worker: Worker) -> None:
    confinement = worker.confinement
    if not confinement.reduced:
        return
    states = {report.name: report for report in confinement.layers}
    words = [
        f"{name} ({states[name].state}: {states[name].detail})" if name in states else name
        for name in confinement.reduced
    ]
    # The worker's number makes each text another one, so that Python's filters show each of them.
    text = f"a model is loaded with reduced confinement (worker {worker.pid}): {'; '.join(words)}"
    _LOGGER.warning("%s", text)
    warning = ReducedConfinementWarning(text, confinement.reduced, confinement.verdict)
    warnings.warn(warning, stacklevel=callers_level())


def _duplicate(descriptor: int) -> int:
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 0)
    except OSError as error:
        raise SandboxError(f"the pinned bytes cannot be kept: {error.strerror}") from error


def _inputs() -> tuple[str, ...]:
    """The libraries of inputs that the caller may pass: those that it has imported."""
    return tuple(module for module in _INPUTS.values() if module in sys.modules)


def _holds_proxy(value: Any) -> bool:
    if isinstance(value, ModelProxy):
        return True
    if isinstance(value, dict):
        return any(_holds_proxy(item) for pair in value.items() for item in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return any(_holds_proxy(item) for item in value)
    if type(value).__name__ == "ndarray" and value.dtype.kind == "O":
        return any(_holds_proxy(item) for item in value.ravel())
    return False
