"""Array files of numpy (``.npy``, ``.npz``), without pickles."""

from __future__ import annotations

import io
from typing import Any

from secureload.errors import LimitError, MalformedError
from secureload.printable import printable

__all__ = ["read_numpy"]

_NAME_CHARS = 80


def read_numpy(data: memoryview) -> Any:
    """Return the array of an ``.npy`` file, or the arrays of an ``.npz`` archive by name.

    Raises:
        MalformedError: it holds objects, or is neither.
        LimitError: its arrays do not fit into memory.
    """
    try:
        return _read(data)
    except MalformedError:
        raise
    except MemoryError:
        raise LimitError(
            "the arrays do not fit into memory", limit="memory", allowed=0, seen=len(data)
        ) from None
    except Exception as error:  # numpy and zipfile raise a dozen classes
        raise _malformed(f"{type(error).__name__}: {error}") from None


def _read(data: memoryview) -> Any:
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
        raise _malformed(f"array {name[:_NAME_CHARS]!r}: {error}") from None


def _malformed(message: str) -> MalformedError:
    return MalformedError(f"the numpy file cannot be read: {printable(message, 300)}", format="numpy")
