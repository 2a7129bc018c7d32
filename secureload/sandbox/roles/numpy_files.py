"""Array files of numpy (``.npy``, ``.npz``), without pickles."""

from __future__ import annotations

import io
from typing import Any

__all__ = ["read_numpy"]


def read_numpy(data: memoryview) -> Any:
    """Return the array of an ``.npy`` file, or the arrays of an ``.npz`` archive by name.

    Raises:
        ValueError: it holds objects, or is neither.
    """
    import numpy as np

    file = io.BytesIO(data)
    if bytes(data[:2]) != b"PK":
        return np.lib.format.read_array(file, allow_pickle=False)
    with np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
