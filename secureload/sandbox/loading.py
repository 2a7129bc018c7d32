"""Load an admitted artifact into a confined worker."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import Any

from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.trace import Trace
from secureload.sandbox.host import Spawned
from secureload.sandbox.proxy import ModelProxy, proxy_of, reference_of
from secureload.sandbox.session import Session
from secureload.sandbox.zygotes import application_paths
from secureload.values import fields_of

__all__ = ["load_confined", "spawn_loader"]


def load_confined(
    descriptor: int,
    size: int,
    trace: Trace,
    limits: Limits = DEFAULT_LIMITS,
    *,
    own_modules: Collection[str] = (),
    spawned: Spawned | None = None,
) -> Any:
    """Unpickle the pinned bytes in ``descriptor`` in a worker and return what stands for the object.

    The worker resolves exactly the globals that ``trace`` names, which the verdict admitted. Plain data comes
    back as data; anything else as a :class:`ModelProxy`, or as data that holds some.

    ``own_modules`` are the caller's own: they may be imported from its script folder and working directory too,
    after all others were imported from where libraries are installed. ``spawned`` is a worker that was asked for
    before (:func:`spawn_loader`).

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
    worker = loader.configured(config, limits, shared_bytes=limits.worker_shared_bytes)
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
