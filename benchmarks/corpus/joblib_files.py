"""Payloads in joblib files: plain, compressed, old, behind and inside of arrays."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Any

from benchmarks.corpus.expression import Built, Call, Name, Style, bare, encode
from benchmarks.corpus.gadgets import PAYLOADS
from benchmarks.corpus.planted import PLANTED, Planted
from benchmarks.corpus.sample import Sample

__all__ = ["joblib_samples"]

_COMPRESSIONS: dict[str, Any] = {
    "raw": 0, "zlib": ("zlib", 3), "gzip": ("gzip", 3), "bz2": ("bz2", 3), "xz": ("xz", 3), "lzma": ("lzma", 3), "lz4": ("lz4", 0),
}  # fmt: skip


def joblib_samples() -> Iterator[Sample]:
    """Yield a file for each place, compression and payload."""
    for key in PLANTED:
        for place, value in _places(key):
            for label, compression in _COMPRESSIONS.items():
                if compression and place not in ("bare", "behind an array"):
                    continue
                name = f"{key}-{place}-{label}.joblib"
                yield Sample("malicious", "joblib", name, _dumped(value, compression))
    for key, call in PAYLOADS.items():
        yield Sample("malicious", "joblib, old", f"{key}-zfile.joblib", _zfile(encode(call, Style(2))))
        yield from _old_arrays(key, call)
        yield from _wrappers(key, call)


def _places(key: str) -> Iterator[tuple[str, Any]]:
    import numpy as np

    hostile = Planted(key)
    array = np.arange(1000, dtype=np.float64)
    yield "bare", hostile
    yield "behind an array", {"weights": array, "model": hostile}
    yield "before an array", {"model": hostile, "weights": array}
    yield "between arrays", [array, np.ones((3, 4)), hostile, array + 1]
    inside = np.empty(2, dtype=object)
    inside[:] = [hostile, 1.0]
    yield "inside an object array", {"weights": array, "labels": inside}
    structured = np.zeros(3, dtype=[("a", "f8"), ("b", "U5")])
    yield "behind a structured array", [structured, hostile]
    yield "behind a Fortran array", [np.asfortranarray(np.ones((7, 9))), hostile]
    yield "behind many arrays", [[np.arange(count) for count in range(300)], hostile]


def _dumped(value: Any, compression: Any) -> bytes:
    import joblib

    buffer = io.BytesIO()
    joblib.dump(value, buffer, compress=compression)
    return buffer.getvalue()


def _zfile(data: bytes) -> bytes:
    """The compressed form of joblib before 0.10: "ZF", the expanded length in hexadecimal, zlib."""
    return b"ZF" + hex(len(data)).encode().ljust(19) + zlib.compress(data)


def _old_arrays(key: str, call: Call) -> Iterator[Sample]:
    """A model of joblib before 0.10, whose arrays lie beside it; one is an array of objects."""
    import numpy as np

    wrapper = Built(
        Call(Name("joblib.numpy_pickle", "NDArrayWrapper"), (), "newobj"),
        {"filename": "model.pkl_01.npy", "subclass": Name("numpy", "ndarray"), "allow_mmap": True},
    )
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    side = buffer.getvalue() + encode([call], Style(2))
    main = encode({"weights": wrapper}, Style(2))
    yield Sample("malicious", "joblib, old", "model.pkl_01.npy", side, {"model.pkl": main})
    hostile = encode({"weights": wrapper, "model": call}, Style(2))
    yield Sample("malicious", "joblib, old", f"{key}-beside-an-old-wrapper.pkl", hostile)


def _wrappers(key: str, call: Call) -> Iterator[Sample]:
    """What a forged wrapper can say of its array."""
    array = Name("numpy", "ndarray")
    dtype = Built(Call(Name("numpy", "dtype"), ("u1", False, True)), (3, "|", None, None, None, -1, -1, 0))
    blank = Call(Name("joblib.numpy_pickle", "NumpyArrayWrapper"), (), "newobj")

    def wrapper(**state: Any) -> bytes:
        whole = {"subclass": array, "shape": (8,), "order": "C", "dtype": dtype, "allow_mmap": False}
        return bare(Built(blank, {**whole, **state}))

    def file(*parts: bytes) -> bytes:
        return b"\x80\x04(" + b"".join(parts) + b"l."

    name = f"{key}.joblib"
    yield Sample("malicious", "joblib, forged", f"after-{name}", file(wrapper(), bytes(8), bare(call)))
    yield Sample(
        "malicious",
        "joblib, forged",
        f"subclass-{name}",
        file(wrapper(subclass=Name("os", "system")), bytes(8), bare(call)),
    )
    yield Sample(
        "bomb",
        "of claims",
        f"shape-too-large-{name}",
        file(wrapper(shape=(1 << 40,)), bytes(8), bare(call)),
    )
    yield Sample("malicious", "joblib, forged", f"shape-by-call-{name}", file(wrapper(shape=call), bytes(8)))
    yield Sample("malicious", "joblib, forged", f"dtype-by-call-{name}", file(wrapper(dtype=call), bytes(8)))
    # pickle.load does not know that these are array bytes, and runs them.
    inside = bare(call) + b"0" + b"N0" * 40
    size = len(inside)
    yield Sample(
        "malicious", "joblib, forged", f"bytes-are-opcodes-{name}", file(wrapper(shape=(size,)), inside)
    )
