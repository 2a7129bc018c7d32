"""Array files of numpy (``.npy``, ``.npz``), without pickles."""

from __future__ import annotations

import io
from typing import Any

__all__ = ["read_numpy"]

_NAME_CHARS = 80


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
        return {name: _member(archive, name) for name in archive.files}


def _member(archive: Any, name: str) -> Any:
    try:
        return archive[name]
    except ValueError as error:
        raise ValueError(f"array {name[:_NAME_CHARS]!r}: {error}") from None
