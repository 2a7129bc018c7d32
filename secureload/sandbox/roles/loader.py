"""Unpickling, at last: inside the locked-down worker, and only of the globals that the verdict admitted.

Two readers, as the trace found the file: CPython's own unpickler for pickles, and for joblib files a reader
of the same stream that puts each array in the place of its wrapper. Both resolve a global only if the exact
pair was admitted.
"""

from __future__ import annotations

import importlib
import pickle
import sys
from collections.abc import Callable, Iterable
from typing import Any, cast

from secureload.pickles.arrays import array_bytes
from secureload.pickles.names import effective_name, first_protocol
from secureload.pickles.source import ByteSource
from secureload.sandbox.roles.torch_loader import SeekableSource, load_torch

__all__ = ["AdmittedGlobals", "NotAdmittedError", "load_payload"]

_WRAPPERS = frozenset({"joblib.numpy_pickle", "sklearn.externals.joblib.numpy_pickle"})
_CHUNK_BYTES = 1 << 24
# Smaller arrays are copied: a page of the file that one of them shares with its neighbours costs more.
_MAPPED_BYTES = 1 << 16


class NotAdmittedError(Exception):
    """The payload asks for a global that the verdict did not admit."""


class AdmittedGlobals:
    """Resolves exactly the admitted pairs."""

    def __init__(self, pairs: list[tuple[str, str]], own_modules: Iterable[str] = ()) -> None:
        self._pairs = frozenset(pairs)
        self._own = frozenset(own_modules)

    def names(self) -> tuple[str, ...]:
        """Return the admitted pairs as ``module.name``, in order."""
        return tuple(sorted(f"{module}.{name}" for module, name in self._pairs))

    def own_names(self) -> tuple[str, ...]:
        """Return the names of the caller's own modules, which stand on no list of ours."""
        return tuple(f"{module}.{name}" for module, name in sorted(self._pairs) if module in self._own)

    def resolve(self, module: str, name: str, protocol: int) -> Any:
        """Return the global that the pair names.

        Raises:
            NotAdmittedError: the pair was not admitted.
            AttributeError, ImportError: this version of the library does not have it.
        """
        pair = effective_name(module, name, protocol)
        if pair not in self._pairs:
            raise NotAdmittedError(f"{pair[0]}:{pair[1]} was not admitted")
        if pair[1] == "NumpyArrayWrapper" and pair[0] in _WRAPPERS:
            return ArrayWrapper
        found: Any = sys.modules.get(pair[0]) or importlib.import_module(pair[0])
        # A dotted name is admitted as a whole (a method of a class), never by its parts.
        for part in pair[1].split("."):
            found = getattr(found, part)
        return found


class ArrayWrapper:
    """Takes the place of joblib's ``NumpyArrayWrapper``: says what array follows in the stream."""

    shape: tuple[int, ...]
    dtype: Any
    order: str
    subclass: Any

    def read(self, stream: ByteSource, read_pickle: Callable[[], Any]) -> Any:
        """Read the array that follows in ``stream``, in this machine's byte order."""
        import numpy as np

        layout = array_bytes(vars(self), self.dtype.itemsize, self.dtype.hasobject)
        if layout.nested_pickle:
            return read_pickle()
        if layout.aligned:
            padding = stream.read(1)
            stream.skip(padding[0])
        flat = _where_it_lies(stream, layout.size) if layout.size >= _MAPPED_BYTES else None
        if flat is None:
            flat = _copied(stream, layout.size)
        array: Any = np.frombuffer(flat, dtype=self.dtype) if layout.size else np.empty(0, dtype=self.dtype)
        array = array.reshape(self.shape[::-1]).T if self.order == "F" else array.reshape(self.shape)
        if not array.dtype.isnative:
            array = array.byteswap().view(array.dtype.newbyteorder("="))
        return array if self.subclass is np.ndarray else self._as_subclass(array)

    def _as_subclass(self, array: Any) -> Any:
        import numpy as np

        if not (isinstance(self.subclass, type) and issubclass(self.subclass, np.ndarray)):
            raise pickle.UnpicklingError("the array's subclass is not one of numpy.ndarray")
        return array if self.subclass is np.memmap else array.view(self.subclass)


def _where_it_lies(stream: ByteSource, size: int) -> memoryview | None:
    view = getattr(stream, "view", None)
    found: memoryview | None = view(size) if view is not None else None
    return found


def _copied(stream: ByteSource, size: int) -> memoryview:
    flat = memoryview(bytearray(size))
    position = 0
    while position < size:
        piece = stream.read(min(size - position, _CHUNK_BYTES))
        if not piece:
            raise EOFError("an array is cut off")
        flat[position : position + len(piece)] = piece
        position += len(piece)
    return flat


class _PickleLoader(pickle.Unpickler):
    """CPython's unpickler, resolving admitted globals only."""

    def __init__(self, stream: ByteSource, admitted: AdmittedGlobals) -> None:
        super().__init__(_ReadOnlyFile(stream))
        self._admitted = admitted
        self._protocol = first_protocol(stream.head(2))

    def find_class(self, module: str, name: str, /) -> Any:
        return self._admitted.resolve(module, name, self._protocol)


# The Python unpickler, whose stack can be reached: typeshed knows it as the C one.
_PythonUnpickler: Any = pickle._Unpickler


class _JoblibLoader(_PythonUnpickler):  # type: ignore[misc]  # a base of type Any, see above
    """Python's unpickler, which joblib uses too, with arrays read where their wrappers stand."""

    dispatch = _PythonUnpickler.dispatch.copy()

    def __init__(self, stream: ByteSource, admitted: AdmittedGlobals) -> None:
        super().__init__(_ReadOnlyFile(stream))
        self._stream = stream
        self._admitted = admitted
        self._protocol = first_protocol(stream.head(2))

    def find_class(self, module: str, name: str, /) -> Any:
        return self._admitted.resolve(module, name, self._protocol)

    def _build(self) -> None:
        self.load_build()
        wrapper = self.stack[-1]
        if isinstance(wrapper, ArrayWrapper):
            self.stack[-1] = wrapper.read(
                self._stream, lambda: _PickleLoader(self._stream, self._admitted).load()
            )

    dispatch[pickle.BUILD[0]] = _build


class _ReadOnlyFile:
    """The file that an unpickler is given: no ``peek``, so that the position in the stream stays exact."""

    def __init__(self, stream: ByteSource) -> None:
        self.read = stream.read
        self.readline = stream.readline

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` as far as there are bytes."""
        position = 0
        while position < len(buffer):
            piece = self.read(min(len(buffer) - position, _CHUNK_BYTES))
            if not piece:
                break
            buffer[position : position + len(piece)] = piece
            position += len(piece)
        return position


def load_payload(stream: ByteSource, reading: str, admitted: AdmittedGlobals) -> Any:
    """Return the first object of ``stream``, read as ``reading`` ("pickle", "joblib" or "torch") says.

    Raises whatever the payload and the classes that it names raise.
    """
    if reading == "torch":
        return load_torch(cast(SeekableSource, stream), admitted)
    loader = _JoblibLoader if reading == "joblib" else _PickleLoader
    return loader(stream, admitted).load()
