"""One payload by every way that a library takes to an unpickler ("The Art of Hide and Seek", arXiv 2508.19774).

Whatever the file is called, and whatever it is packed in: what the loader would unpickle is found and named.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from secureload.pickles.assembler import Assembler

from ..advisories.archives import EVIL, GOOD, MAGIC, legacy_torch, tarred, torch_zip, zipped
from ..advisories.checking import dangerous, names


class Payload:
    """Pickled as a call of ``os.system`` that would do nothing; nothing ever loads it."""

    def __reduce__(self) -> Any:
        import os

        return os.system, ("echo hello",)


def joblib_file(compress: Any) -> bytes:
    target = io.BytesIO()
    joblib.dump({"weights": np.arange(50.0), "model": Payload()}, target, compress=compress)
    return target.getvalue()


def numpy_file() -> bytes:
    target = io.BytesIO()
    np.save(target, np.array([Payload()], dtype=object), allow_pickle=True)
    return target.getvalue()


def numpy_archive(save: Callable[..., None]) -> bytes:
    target = io.BytesIO()
    save(target, plain=np.arange(3), objects=np.array([Payload()], dtype=object))
    return target.getvalue()


def by_protocol(protocol: int) -> bytes:
    code = Assembler(None if protocol < 2 else protocol)
    code = code.stack_global("os", "system") if protocol >= 4 else code.global_("os", "system")
    return code.mark().text("echo hello").tuple_().reduce().stop()


def compressed_tar(data: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        info = tarfile.TarInfo("model/weights.ckpt")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return target.getvalue()


PATHS: dict[str, Callable[[], bytes]] = {
    **{f"pickle.load protocol {number}": lambda number=number: by_protocol(number) for number in range(6)},
    "pickle.load twice": lambda: GOOD + EVIL,
    "pandas.read_pickle gzip": lambda: gzip.compress(EVIL),
    "pandas.read_pickle bz2": lambda: bz2.compress(EVIL),
    "pandas.read_pickle xz": lambda: lzma.compress(EVIL),
    "pandas.read_pickle zip": lambda: zipped({"model.pkl": EVIL}),
    "pandas.read_pickle tar": lambda: tarred({"model.pkl": EVIL}),
    "pandas.read_pickle tar.gz": lambda: compressed_tar(EVIL),
    "joblib.load": lambda: joblib_file(0),
    "joblib.load zlib": lambda: joblib_file(3),
    "joblib.load gzip": lambda: joblib_file(("gzip", 3)),
    "joblib.load bz2": lambda: joblib_file(("bz2", 3)),
    "joblib.load lzma": lambda: joblib_file(("lzma", 3)),
    "joblib.load xz": lambda: joblib_file(("xz", 3)),
    "joblib.load lz4": lambda: joblib_file(("lz4", 3)),
    "joblib.load before 0.10": lambda: b"ZF" + hex(len(EVIL)).ljust(19).encode() + zlib.compress(EVIL),
    "numpy.load npy": numpy_file,
    "numpy.load npz": lambda: numpy_archive(np.savez),
    "numpy.load npz compressed": lambda: numpy_archive(np.savez_compressed),
    "numpy.load pickle": lambda: EVIL,
    "torch.load zip": torch_zip,
    "torch.load before 1.6": lambda: legacy_torch(MAGIC),
    "torch.load before 0.1.10": lambda: tarred({"storages": GOOD, "tensors": GOOD, "pickle": EVIL}),
    "torch.jit.load constants": lambda: zipped(
        {"a/constants.pkl": EVIL, "a/data.pkl": GOOD, "a/code/__torch__.py": b"", "a/version": b"3\n"}
    ),
    "torch.package": lambda: zipped({"a/.data/extern_modules": b"", "a/model/model.pkl": EVIL}),
    "NeMo": lambda: tarred({"./model_config.yaml": b"a: 1\n", "./model_weights.ckpt": torch_zip()}),
    "TorchServe": lambda: zipped({"MAR-INF/MANIFEST.json": b"{}", "model.pt": torch_zip()}),
    "skops sidecar": lambda: zipped({"schema.json": b"{}", "arrays/1.pkl": EVIL}),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["model.bin", "weights"])
def test_the_payload_is_named_on_every_loading_path(path: str, name: str, tmp_path: Path) -> None:
    assert names(dangerous(tmp_path, PATHS[path](), name), "system")
