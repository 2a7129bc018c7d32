"""Payloads in .npy, .npz and in the pickles of pandas."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
from collections.abc import Iterator

from benchmarks.corpus.expression import Style, encode
from benchmarks.corpus.gadgets import PAYLOADS
from benchmarks.corpus.planted import PLANTED, Planted
from benchmarks.corpus.sample import Sample
from benchmarks.corpus.wrappers import tar_of, zip_of

__all__ = ["numpy_samples"]


def numpy_samples() -> Iterator[Sample]:
    """Yield the arrays of objects and the frames."""
    for key, call in PAYLOADS.items():
        data = encode([call], Style(4 if key == "dotted" else 3))
        for version in (1, 2, 3):
            yield Sample("malicious", "npy", f"{key}-version-{version}.npy", npy(data, version))
        header = "{'descr': [('a', '|O'), ('b', '<f8')], 'fortran_order': True, 'shape': (1,), }"
        yield Sample("malicious", "npy", f"{key}-structured.npy", npy(data, 1, header))
        yield Sample("malicious", "npy", f"{key}-behind-the-data.npy", _numbers() + data)
        yield Sample("malicious", "npy", f"{key}-two-arrays.npy", _numbers() + npy(data, 1))
        members = {"weights.npy": _numbers(), "labels.npy": npy(data, 1)}
        yield Sample("malicious", "npz", f"{key}.npz", zip_of(members))
        yield Sample("malicious", "npz", f"{key}-deflated.npz", zip_of(members, deflate=True))
        yield Sample(
            "malicious",
            "npz",
            f"{key}-pickle-member.npz",
            zip_of({"weights.npy": _numbers(), "labels": data}),
        )
        yield Sample("malicious", "npz", f"{key}-not-npy.npz", zip_of({"weights.npy": data}))
    yield from _headers()
    yield from _frames()


def npy(data: bytes, version: int, header: str = "") -> bytes:
    """Return an .npy file of objects whose pickle is ``data``."""
    text = header or "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    width = 2 if version == 1 else 4
    padded = text.encode().ljust(-(-(len(text) + 9 + width) // 64) * 64 - 9 - width) + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(padded))
    return b"\x93NUMPY" + bytes([version, 0]) + length + padded + data


def _numbers() -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, np.arange(32, dtype=np.float32))
    return buffer.getvalue()


def _headers() -> Iterator[Sample]:
    """Headers that a loader with eval would run; numpy's own refuses them."""
    for number, text in enumerate(
        (
            "{'descr': '<f8', 'fortran_order': False, 'shape': (__import__('os').system('echo hello'),), }",
            "__import__('os').system('echo hello')",
            "{'descr': exec('pass'), 'fortran_order': False, 'shape': (1,), }",
        )
    ):
        yield Sample("bomb", "of claims", f"header-{number}.npy", npy(bytes(8), 1, text))


def _frames() -> Iterator[Sample]:
    import pandas as pd

    for key in PLANTED:
        frame = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})
        frame.attrs["note"] = Planted(key)
        data = _pickled(frame)
        cells = _pickled(pd.DataFrame({"a": [1, Planted(key)]}))
        yield Sample("malicious", "pandas", f"{key}-attrs.pkl", data)
        yield Sample("malicious", "pandas", f"{key}-cell.pkl", cells)
        yield Sample("malicious", "pandas", f"{key}-attrs.pkl.gz", gzip.compress(data, mtime=0))
        yield Sample("malicious", "pandas", f"{key}-attrs.pkl.bz2", bz2.compress(data))
        yield Sample("malicious", "pandas", f"{key}-attrs.pkl.xz", lzma.compress(data))
        yield Sample("malicious", "pandas", f"{key}-attrs.pkl.zip", zip_of({"frame.pkl": data}, deflate=True))
        yield Sample("malicious", "pandas", f"{key}-attrs.pkl.tar", tar_of({"frame.pkl": data}))


def _pickled(value: object) -> bytes:
    import pickle

    return pickle.dumps(value, protocol=5)
