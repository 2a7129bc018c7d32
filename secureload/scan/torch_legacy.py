"""The streams of PyTorch before its zip archives: pickles with raw storages behind or between them.

Three of them, each a machine that is told of every pickle and steps over the bytes that follow it:

* before 1.6 a file is five pickles (a magic number, a version, the system, the object, the keys of its
  storages), then each storage: its count of numbers in 8 bytes, and these;
* before 0.1.10 a tar archive has ``storages`` (a count; for each a pickle ``(key, location, type)``, the count
  of numbers and these; a list of views) and ``tensors`` (a count; for each a pickle ``(key, storage, type)``,
  4 bytes of dimensions, 4 of nothing, the sizes, the strides and the offset).

Source: ``torch/serialization.py`` (``_legacy_load``), ``torch/csrc/serialization.cpp``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from secureload.errors import MalformedError
from secureload.pickles.between import Between
from secureload.pickles.source import ByteSource
from secureload.pickles.stand_ins import Global, Inert
from secureload.pickles.trace import Reading

__all__ = ["MAGIC", "StackedTorch", "TorchFiles", "TorchStorages", "TorchTensors", "torch_machine"]

MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
# Bytes of a number, by the name of the storage's class.
_NUMBER_BYTES = {
    "ComplexDoubleStorage": 16,
    **dict.fromkeys(("DoubleStorage", "LongStorage", "ComplexFloatStorage"), 8),
    **dict.fromkeys(("FloatStorage", "IntStorage", "QInt32Storage"), 4),
    **dict.fromkeys(("HalfStorage", "BFloat16Storage", "ShortStorage"), 2),
    **dict.fromkeys(("CharStorage", "ByteStorage", "BoolStorage", "UntypedStorage"), 1),
    **dict.fromkeys(("QInt8Storage", "QUInt8Storage", "QUInt4x2Storage", "QUInt2x4Storage"), 1),
}
_MOST_DIMENSIONS = 64
_MAGIC_AT, _VERSION_AT, _KEYS_AT = 0, 1, 4


def torch_machine(reading: str) -> tuple[Reading | None, Between | None]:
    """Return the loader that ``reading``, a child's, stands for, and the machine for its streams."""
    known: Any = reading or None
    if reading == "torch-storages":
        return "torch", TorchStorages()
    if reading == "torch-tensors":
        return "torch", TorchTensors()
    return known, StackedTorch() if reading in ("", "torch") else None


class StackedTorch:
    """A file of PyTorch before 1.6; it leaves alone what does not begin with the magic number.

    A first pickle that computes its value may give the number to ``torch.load``: then the second, the version,
    tells whether the stream is one.
    """

    def __init__(self) -> None:
        self._at = _MAGIC_AT
        self._possible = True
        self._certain = False
        self._storages: dict[object, tuple[int, int]] = {}
        self._bytes: dict[str | int, int] = {}

    @property
    def reading(self) -> Reading | None:
        """torch, once that is certain."""
        return "torch" if self._certain else None

    @property
    def done(self) -> bool:
        """Whether the last storage was stepped over."""
        return self._at > _KEYS_AT

    def referred(self, pid: object) -> object | None:
        """Note a storage; give the class that a module's id is about."""
        if type(pid) is not tuple or not pid:
            return None
        if pid[0] == "module" and len(pid) > 1 and isinstance(pid[1], Global):
            return pid[1]
        if isinstance(pid[0], Global):  # before 0.1.10: (class, source file, source)
            return pid[0]
        if pid[0] == "storage" and len(pid) >= 5 and type(pid[2]) in (str, int) and type(pid[4]) is int:
            size = _NUMBER_BYTES.get(_name(pid[1]), 0)
            self._storages.setdefault(pid[2], (pid[4], size))
            # One key may be referred to by several counts, of which the largest counts.
            self._bytes[pid[2]] = max(pid[4] * size, self._bytes.get(pid[2], 0))
        return None

    def stated_bytes(self) -> Iterator[tuple[str, int]]:
        """Yield the key of each storage that was referred to, and how many bytes it is said to have at most."""
        yield from ((str(key), size) for key, size in self._bytes.items())

    def ended(self, value: object, source: ByteSource) -> str:
        """Go on to the next of the five pickles; behind the last, step over the storages."""
        at = self._at
        self._at += 1
        if at <= _VERSION_AT:
            self._recognize(value, (MAGIC, _VERSION)[at])
        if not (at == _KEYS_AT and self._certain):
            return ""  # what follows the storages was reported where it began
        if type(value) is not list:
            raise _malformed("the keys of the storages are not a list", source)
        for key in value:
            numbers, size = self._storages.get(key, (-1, 0)) if type(key) in (str, int) else (-1, 0)
            if numbers < 0 or not size:
                raise _malformed("a storage is of no type or size that is known", source)
            if _integer(source, 8) != numbers:
                raise _malformed("a storage has not the size that its tensors say", source)
            _step_over(source, numbers * size)
        return "bytes follow the last storage"

    def _recognize(self, value: object, expected: int) -> None:
        if type(value) is int and value == expected:
            self._certain = self._possible
        elif not isinstance(value, Inert):
            self._possible = self._certain = False


class TorchFiles:
    """Whole files, one behind the other: the tensors that plain pickle saved. ``ends`` are their ends."""

    reading: Reading | None = "torch"

    def __init__(self, ends: Sequence[int]) -> None:
        self._ends = ends
        self._index = 0
        self._file = StackedTorch()

    def referred(self, pid: object) -> object | None:
        """Ask the file."""
        return self._file.referred(pid)

    def ended(self, value: object, source: ByteSource) -> str:
        """Go on in the file, and behind its last storage to the next file."""
        self._file.ended(value, source)
        if self._file.reading is None or self._index >= len(self._ends):
            raise _malformed("a tensor's bytes do not begin as PyTorch writes them", source)
        end = self._ends[self._index]
        if source.tell() > end or (self._file.done and source.tell() != end):
            raise _malformed("a tensor's bytes do not end with its last storage", source)
        if self._file.done:
            self._index += 1
            self._file = StackedTorch()
        return ""


class TorchStorages:
    """The member ``storages`` of a tar archive."""

    reading: Reading | None = "torch"

    def __init__(self) -> None:
        self._left = -1
        self._done = False

    def referred(self, pid: object) -> object | None:
        """Nothing in this member has a persistent id."""
        return None

    def ended(self, value: object, source: ByteSource) -> str:
        """Take the count, then each storage, then the views."""
        if self._done:
            return ""
        if self._left < 0:
            self._left = _count(value, source)
        elif self._left == 0:
            self._done = True
            return "bytes follow the views of the storages"
        else:
            self._left -= 1
            if type(value) is not tuple or len(value) != 3:
                raise _malformed("a storage is not a key, a location and a type", source)
            size = _NUMBER_BYTES.get(_name(value[2]), 0)
            numbers = _integer(source, 8)
            if not size or numbers < 0:
                raise _malformed("a storage is of no type or size that is known", source)
            _step_over(source, numbers * size)
        return ""


class TorchTensors:
    """The member ``tensors`` of a tar archive."""

    reading: Reading | None = "torch"

    def __init__(self) -> None:
        self._left = -1

    def referred(self, pid: object) -> object | None:
        """Nothing in this member has a persistent id."""
        return None

    def ended(self, value: object, source: ByteSource) -> str:
        """Take the count, then each tensor."""
        if self._left == 0:
            return ""
        if self._left < 0:
            self._left = _count(value, source)
        else:
            self._left -= 1
            dimensions = _integer(source, 4)
            if not 0 <= dimensions <= _MOST_DIMENSIONS:
                raise _malformed(f"a tensor of {dimensions:,} dimensions", source)
            _step_over(source, 4 + 8 * dimensions * 2 + 8)
        return "bytes follow the last tensor" if self._left == 0 else ""


def _name(value: object) -> str:
    return value.ref.name if isinstance(value, Global) else ""


def _count(value: object, source: ByteSource) -> int:
    if type(value) is not int or value < 0:
        raise _malformed("it does not begin with a count", source)
    return value


def _integer(source: ByteSource, size: int) -> int:
    data = source.read(size)
    if len(data) < size:
        raise _malformed("it is cut off", source)
    return int.from_bytes(data, "little", signed=True)


def _step_over(source: ByteSource, size: int) -> None:
    while size:
        skipped = source.skip(size)
        if not skipped:
            raise _malformed("a storage or a tensor is cut off", source)
        size -= skipped


def _malformed(message: str, source: ByteSource) -> MalformedError:
    return MalformedError(message, format="torch", offset=source.tell())
