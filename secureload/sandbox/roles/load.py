"""The loading role: unpickle the admitted artifact behind closed doors, and serve it."""

from __future__ import annotations

import importlib
import io
import os
import sys
import warnings
from pathlib import Path
from typing import Any

from secureload.limits import Limits
from secureload.sandbox.channel import Channel
from secureload.sandbox.roles.data_readers import reader_of
from secureload.sandbox.roles.loader import AdmittedGlobals, load_payload
from secureload.sandbox.roles.pinned import empty_extension_registry, open_pinned
from secureload.sandbox.roles.service import Service
from secureload.sandbox.roles.threads import ThreadPools, forget_pools, local_locks, thread_pools
from secureload.sandbox.roles.warm import warm_up_frames, warm_up_libraries
from secureload.values import dataclass

__all__ = ["PRELOAD", "load", "prepare", "run", "warm_up"]


# What nearly every model needs, imported once in the zygote.
PRELOAD = (
    "numpy",
    "scipy.sparse",
    "scipy.sparse._spfuncs",  # imported late, by the first matrix in BSR form
    "scipy.special",
    "joblib",
    "backports.zstd",
    "lz4.frame",
    "secureload.sandbox.worker",
    "threadpoolctl",
    "sklearn.base",
    "sklearn.pipeline",
    "sklearn.ensemble",
    "sklearn.metrics",
    "sklearn.exceptions",
    "sklearn.gaussian_process.kernels",  # imported late, by whatever has a kernel
    "sklearn.utils",
    "sklearn.utils._pprint",
    "multiprocessing.connection",
    "multiprocessing.dummy",
    "multiprocessing.pool",
    "multiprocessing.queues",
    "multiprocessing.synchronize",
    "concurrent.futures.thread",
    "encodings.idna",
    "encodings.latin_1",
    "encodings.unicode_escape",
)


# What was done in the zygote is not done again in each worker.
_searched: list[int] = []  # how many modules were there when the thread pools were looked for


@dataclass(frozen=True, slots=True)
class _Prepared:
    limits: Limits
    admitted: AdmittedGlobals
    pools: ThreadPools


def warm_up() -> None:
    """Import what nearly every model needs, and ask once what is asked through files; called in the zygote."""
    for module in PRELOAD:
        try:
            importlib.import_module(module)
        except ImportError:
            continue
    try:
        import joblib

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            joblib.cpu_count(only_physical_cores=True)  # runs lscpu the first time
    except ImportError:
        return
    _keep_html_script()
    if "pandas" in sys.modules:
        warm_up_frames()
    _find_thread_pools()


def _keep_html_script() -> None:
    """Read the script of scikit-learn's HTML view now: the view opens it whenever it is drawn."""
    try:
        view: Any = importlib.import_module("sklearn.utils._repr_html.estimator")
        path = Path(view.__file__).with_name("estimator.js")
        text = path.read_text(encoding="utf-8")
    except (ImportError, OSError):
        return  # scikit-learn before 1.7 has none

    def kept(name: str, *args: Any, **kwargs: Any) -> Any:
        return io.StringIO(text) if Path(name) == path else Path(name).open(*args, **kwargs)

    view.open = kept


def prepare(config: dict[str, Any]) -> _Prepared:
    """Import the modules that the admitted payload names; everything here happens before the lock-down."""
    _import_all(config["modules"])
    # Only now, and behind the interpreter's own: no library is taken from an application's folder.
    sys.path.extend(entry for entry in config["path"] if entry not in sys.path)
    _import_all(config["own_modules"])
    warm_up_libraries(config["modules"])
    if "secureload.structured.known" in config["modules"]:
        importlib.import_module("secureload.structured.known").default_known()  # a file
    _seed()
    _find_thread_pools()
    empty_extension_registry()
    local_locks()
    return _Prepared(
        Limits(**config["limits"]),
        AdmittedGlobals([(module, name) for module, name in config["globals"]], config["own_modules"]),
        ThreadPools(config["thread_variables"]),
    )


def _seed() -> None:
    """Seed numpy's own generator anew: every worker of a zygote would draw the same numbers from it."""
    import numpy as np

    np.random.seed()  # the generator that models without one of their own use


def _find_thread_pools() -> None:
    """Let scikit-learn find the thread pools now: KMeans and others look for them by path in their first call.

    Once more only where something was imported since, which may have brought pools of its own.
    """
    if _searched and _searched[0] == len(sys.modules):
        return
    forget_pools()
    parallel: Any = importlib.import_module("sklearn.utils.parallel")
    find = getattr(parallel, "_get_threadpool_controller", None)  # scikit-learn 1.5 and later
    if find is not None:
        parallel._threadpool_controller = None
        find()
    thread_pools()
    _searched[:] = [len(sys.modules)]


def _import_all(modules: list[str]) -> None:
    """Import in this order, and again at the end what was not found: some modules only exist behind others.

    scikit-learn 1.5 to 1.8 saves its losses as classes of ``_loss``, which stands in ``sys.modules`` once
    ``sklearn._loss._loss`` was imported.
    """
    postponed = []
    for module in modules:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError:
            postponed.append(module)
    for module in postponed:
        importlib.import_module(module)


def run(channel: Channel, descriptor: int, task: dict[str, Any], prepared: _Prepared) -> None:
    """Load the artifact in ``descriptor`` and answer requests about it until the caller is gone."""
    service = Service(channel, prepared.limits)
    service.load(lambda: load(descriptor, task["size"], task["reading"], prepared))
    prepared.pools.open()  # not before: the threads of a new pool spin for some 30 ms
    service.serve()


def load(descriptor: int, size: int, reading: str, prepared: _Prepared) -> Any:
    """Return the object in the pinned bytes; ``reading`` says how they are read."""
    source = open_pinned(descriptor, size, prepared.limits)
    try:
        with warnings.catch_warnings():
            # The caller was told by the trace already, in words of our own.
            warnings.filterwarnings("ignore", message="Trying to unpickle estimator")
            read = reader_of(reading)
            if read is not None:
                return read(source, prepared.admitted, prepared.limits)
            return load_payload(source, reading, prepared.admitted)
    finally:
        os.close(descriptor)
