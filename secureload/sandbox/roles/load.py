"""The loading role: unpickle the admitted artifact behind closed doors, and serve it."""

from __future__ import annotations

import copyreg
import importlib
import os
import warnings
from dataclasses import dataclass
from typing import Any

from secureload.formats.compression import detect_compression
from secureload.formats.expanding import ExpandingReader
from secureload.limits import Limits
from secureload.pickles.source import ByteSource, MappedSource
from secureload.sandbox.channel import Channel
from secureload.sandbox.roles.loader import AdmittedGlobals, load_payload
from secureload.sandbox.roles.service import Service
from secureload.sandbox.roles.threads import ThreadPools, local_locks

__all__ = ["PRELOAD", "prepare", "run", "warm_up"]

_HEAD_BYTES = 64

# What nearly every model needs, imported once in the zygote.
PRELOAD = (
    "numpy",
    "scipy.sparse",
    "scipy.special",
    "joblib",
    "lz4.frame",
    "threadpoolctl",
    "sklearn.base",
    "sklearn.pipeline",
    "sklearn.ensemble",
    "sklearn.metrics",
    "sklearn.exceptions",
    "sklearn.utils",
    "sklearn.utils._pprint",
    "multiprocessing.pool",
    "concurrent.futures.thread",
    "encodings.idna",
    "encodings.latin_1",
    "encodings.unicode_escape",
)


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


def prepare(config: dict[str, Any]) -> _Prepared:
    """Import the modules that the admitted payload names; everything here happens before the lock-down."""
    warm_up()
    for module in config["modules"]:
        importlib.import_module(module)
    copyreg._extension_registry.clear()  # type: ignore[attr-defined]  # documented in copyreg, not in typeshed
    copyreg._inverted_registry.clear()  # type: ignore[attr-defined]  # as above
    copyreg._extension_cache.clear()  # type: ignore[attr-defined]  # as above
    local_locks()
    return _Prepared(
        Limits(**config["limits"]),
        AdmittedGlobals([(module, name) for module, name in config["globals"]]),
        ThreadPools(config["thread_variables"]),
    )


def run(channel: Channel, descriptor: int, task: dict[str, Any], prepared: _Prepared) -> None:
    """Load the artifact in ``descriptor`` and answer requests about it until the caller is gone."""
    prepared.pools.open()
    service = Service(channel, prepared.limits)
    service.load(lambda: _load(descriptor, task["size"], task["reading"], prepared))
    service.serve()


def _load(descriptor: int, size: int, reading: str, prepared: _Prepared) -> Any:
    mapped = MappedSource(descriptor, size)
    source: ByteSource = mapped
    compression = detect_compression(mapped.head(_HEAD_BYTES))
    if compression is not None:
        source = ExpandingReader(mapped, compression, prepared.limits)
    try:
        with warnings.catch_warnings():
            # The caller was told by the trace already, in words of our own.
            warnings.filterwarnings("ignore", message="Trying to unpickle estimator")
            return load_payload(source, reading, prepared.admitted)
    finally:
        os.close(descriptor)
