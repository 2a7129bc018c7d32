"""The ways in which people save a Python value, each as bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
from collections.abc import Iterator
from typing import Any

from benchmarks.corpus.sample import Sample

__all__ = ["dumped", "saved"]

_COMPRESSED = {"gz": lambda data: gzip.compress(data, mtime=0), "bz2": bz2.compress, "xz": lzma.compress}


def dumped(value: Any, compress: Any = 0) -> bytes:
    """Return what ``joblib.dump`` writes."""
    import joblib

    buffer = io.BytesIO()
    joblib.dump(value, buffer, compress=compress)
    return buffer.getvalue()


def saved(
    group: str, label: str, value: Any, *, protocols: tuple[int, ...] = (4,), joblibs: tuple[Any, ...] = (0,)
) -> Iterator[Sample]:
    """Yield ``value`` as pickles of these protocols ("gz" and so on: compressed) and as joblib files."""
    for protocol in protocols:
        yield Sample("benign", group, f"{label}-{protocol}.pkl", pickle.dumps(value, protocol=protocol))
    for compress in joblibs:
        if compress in _COMPRESSED:
            data = _COMPRESSED[compress](pickle.dumps(value))
            yield Sample("benign", group, f"{label}.pkl.{compress}", data)
        else:
            word = compress[0] if isinstance(compress, tuple) else compress
            yield Sample("benign", group, f"{label}-{word}.joblib", dumped(value, compress))
