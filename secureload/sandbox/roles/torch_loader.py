"""``torch.load`` of the pinned bytes, with an unpickler that resolves only what the verdict admitted.

PyTorch's own reader finds the storages, in the zip form and in the older one; a TorchScript archive, of which it
would compile the sources, is refused.
"""

from __future__ import annotations

import io
import pickle
import sys
import types
from typing import Any, Protocol

from secureload.pickles.names import first_protocol

__all__ = ["Resolver", "SeekableSource", "given_tensors", "load_torch"]


class Resolver(Protocol):
    """Gives the global of an admitted pair."""

    def resolve(self, module: str, name: str, protocol: int) -> Any:
        """Return the global that the pair names, or raise."""


class SeekableSource(Protocol):
    """Bytes that can be read from anywhere."""

    def read(self, size: int, /) -> bytes:
        """Return the next ``size`` bytes, fewer at the end."""

    def seek(self, position: int, whence: int = 0, /) -> Any:
        """Go to a position."""

    def tell(self) -> int:
        """Return the position."""


def load_torch(source: SeekableSource, admitted: Resolver) -> Any:
    """Return what ``torch.load`` reads from ``source``, every storage in main memory.

    Raises whatever the payload and the classes that it names raise.
    """
    import torch

    def refuse(*_: Any, **__: Any) -> Any:
        raise pickle.UnpicklingError("TorchScript is not loaded: its sources would be compiled")

    torch.jit.load = refuse
    file: Any = io.BufferedReader(_File(source))
    found = torch.load(file, map_location="cpu", pickle_module=_pickle_module(admitted), weights_only=False)
    if isinstance(found, torch.nn.Module):
        # What is asked of a model that cannot be trained here; its own switch (.eval(), Dropout) stays as it was saved.
        found.requires_grad_(False)
    return found


def given_tensors(function: Any, owner: Any) -> Any:
    """Return ``function``, a module of PyTorch or a method of one, so that it takes arrays in the place of tensors."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not isinstance(owner, torch.nn.Module):
        return function

    def call(*args: Any, **kwargs: Any) -> Any:
        with torch.no_grad():
            return function(
                *map(_tensor_of, args), **{name: _tensor_of(value) for name, value in kwargs.items()}
            )

    return call


def _tensor_of(value: Any) -> Any:
    """Return an array as a tensor, a list, tuple or dictionary with tensors in it, anything else as it is."""
    import numpy as np
    import torch

    if type(value) is np.ndarray and value.dtype.kind in "biufc":
        usable = (
            value.flags.writeable and all(stride >= 0 for stride in value.strides) and value.dtype.isnative
        )
        return torch.from_numpy(value if usable else np.array(value, dtype=value.dtype.newbyteorder("=")))
    if type(value) in {list, tuple}:
        return type(value)(map(_tensor_of, value))
    if type(value) is dict:
        return {name: _tensor_of(item) for name, item in value.items()}
    return value


class _File(io.RawIOBase):
    """The pinned bytes as a file of Python's."""

    def __init__(self, source: SeekableSource) -> None:
        self._source = source
        source.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, position: int, whence: int = 0, /) -> int:
        self._source.seek(position, whence)
        return self._source.tell()

    def tell(self) -> int:
        return self._source.tell()

    def readinto(self, buffer: Any, /) -> int:
        piece = self._source.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def _pickle_module(admitted: Resolver) -> types.ModuleType:
    """Return what torch.load takes for the module ``pickle``."""

    class AdmittedUnpickler(pickle.Unpickler):
        def __init__(self, file: Any, **options: Any) -> None:
            super().__init__(file, **options)
            position = file.tell()
            self._protocol = first_protocol(file.read(2))
            file.seek(position)

        def find_class(self, module: str, name: str, /) -> Any:
            return admitted.resolve(module, name, self._protocol)

    module: Any = types.ModuleType("pickle")
    module.Unpickler = AdmittedUnpickler
    module.load = lambda file, **options: AdmittedUnpickler(file, **options).load()
    module.UnpicklingError = pickle.UnpicklingError
    return module  # type: ignore[no-any-return]  # a module whose attributes were set
