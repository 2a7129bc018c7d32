"""Load an admitted artifact into a confined worker."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.trace import Trace
from secureload.sandbox.host import Spawned, Worker
from secureload.sandbox.proxy import ModelProxy, proxy_of, reference_of
from secureload.sandbox.session import Session
from secureload.sandbox.terms import STRICT, ReducedConfinementWarning, Terms
from secureload.sandbox.zygotes import application_paths
from secureload.values import fields_of

if TYPE_CHECKING:
    from secureload.policy.verdict import Verdict

__all__ = ["load_confined", "spawn_loader"]

_LOGGER = logging.getLogger("secureload.sandbox")
_WARNING_STACK = 5  # _tell_if_reduced, load_confined, _load, safe_load: whoever called that


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
) -> Any:
    """Unpickle the pinned bytes in ``descriptor`` in a worker and return what stands for the object.

    The worker resolves exactly the globals that ``trace`` names, which the verdict admitted. Plain data comes
    back as data; anything else as a :class:`ModelProxy`, or as data that holds some.

    ``own_modules`` are the caller's own: they may be imported from its script folder and working directory too,
    after all others were imported from where libraries are installed. ``spawned`` is a worker that was asked for
    before (:func:`spawn_loader`). Where ``terms`` accept less than the required confinement, and there is less, a
    :class:`ReducedConfinementWarning` says so, each time, and so does ``verdict`` in the confinement.

    Raises:
        SandboxError: the worker could not be confined, died, or did not answer.
        Exception: whatever the payload raises while it loads.
    """
    refs = [item.ref for item in trace.imports]
    modules = dict.fromkeys(ref.module for ref in refs)
    modules.update(dict.fromkeys(_inputs()))
    config = {
        "memory_bytes": limits.worker_memory_bytes + size,  # arrays are used where they lie in the file
        "cpu_seconds": 0,
        "limits": fields_of(limits),
        "path": list(application_paths()) if own_modules else [],
        "modules": [module for module in modules if module not in own_modules],
        "own_modules": [module for module in modules if module in own_modules],
        "globals": [[ref.module, ref.name] for ref in refs],
    }
    loader = spawn_loader() if spawned is None else spawned
    worker = loader.configured(config, limits, shared_bytes=limits.worker_shared_bytes, terms=terms)
    if verdict is not None:
        worker.confinement = worker.confinement.about(verdict)
    try:
        _tell_if_reduced(worker)
    except Warning:  # the caller's filters make an error of it
        worker.close()
        raise
    session = Session(worker, limits, proxy_of, reference_of)
    try:
        worker.open(descriptor, {"size": size, "reading": trace.reading}, seconds=limits.worker_load_seconds)
        root = session.root()
    except BaseException:
        session.close()
        raise
    if not isinstance(root, ModelProxy) and not _holds_proxy(root):
        session.close()
    return root


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
    warnings.warn(warning, stacklevel=_WARNING_STACK)


def _inputs() -> tuple[str, ...]:
    """The libraries of inputs that the caller may pass: those that it has imported."""
    return tuple(
        module for module in ("pandas", "polars", "pyarrow", "scipy.sparse") if module in sys.modules
    )


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
