"""Memory that a parent and its worker share, for arrays that are too large for a socket to be quick.

A memfd, sealed in its size before the worker has it (the worker's ``ftruncate`` would kill the parent by SIGBUS),
mapped by both sides before the worker is locked down: its filter refuses new shared mappings. One half carries
requests, the other half replies, so that neither side ever reads what it is about to write.

The worker may change its half at any time, after its reply too: the parent copies what came before it looks at
a single byte of it. The parent is trusted: the worker uses the arrays of a request where they lie, and says so
where an object of the model has kept one, after which nothing is written there any more.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
from collections.abc import Iterable
from typing import Any, Final

from secureload.errors import SandboxError
from secureload.sandbox.kernel import map_shared
from secureload.sandbox.wire.frame import ALIGNMENT, Buffer

__all__ = ["Arena", "open_arena"]

_READ_WRITE: Final = mmap.PROT_READ | mmap.PROT_WRITE
_SEALS: Final = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
# What payloads leave behind is given back to the system beyond this size; writing it anew costs page faults.
_KEPT_BYTES: Final = 128 << 20


class Arena:
    """One side's mapping. ``size`` bytes, of which the first half carries requests and the second replies."""

    def __init__(self, descriptor: int, size: int, *, parent: bool) -> None:
        self._map: mmap.mmap | None = None
        if parent:
            self._map = mmap.mmap(descriptor, size, flags=mmap.MAP_SHARED, prot=_READ_WRITE)
            self._view = memoryview(self._map)
        else:
            self._view = map_shared(descriptor, size)
        self._half = size // 2
        self._parent = parent
        self._writing = 0 if parent else self._half
        self._reading = self._half if parent else 0
        self._largest = 0

    def has_room(self, size: int) -> bool:
        """Whether ``size`` bytes fit into the half that this side writes."""
        return size <= self._half

    def put(self, segments: Iterable[Buffer]) -> None:
        """Write the segments behind each other, each aligned; the caller has asked whether there is room."""
        at = self._writing
        start = at
        for segment in segments:
            size = len(segment)
            self._view[at : at + size] = segment
            at += -(-size // ALIGNMENT) * ALIGNMENT
        self._largest = max(self._largest, at - start)

    def put_array(self, flat: Any, size: int) -> None:
        """Write one numpy array of ``size`` bytes in C order, with the interpreter's lock released."""
        import numpy as np

        there = np.ndarray(flat.shape, flat.dtype, self._view, self._writing)
        np.copyto(there, flat)
        self._largest = max(self._largest, size)

    def there(self, size: int) -> memoryview:
        """Return ``size`` bytes of the half that the other side writes, as they lie there.

        Raises:
            SandboxError: there are not as many.
        """
        if not 0 <= size <= self._half:
            raise SandboxError("the wire to the sandbox broke: a payload lies outside of the shared memory")
        self._largest = max(self._largest, size)
        return self._view[self._reading : self._reading + size]

    def own(self, there: Buffer) -> Buffer:
        """Return what the other side cannot change: for the parent a copy, for the worker the very bytes."""
        return bytearray(there) if self._parent else there

    def take(self, size: int) -> Buffer:
        """Return ``size`` bytes of what the other side wrote: :meth:`own` of what is :meth:`there`."""
        return self.own(self.there(size))

    def give_back(self) -> None:
        """Give the memory of large payloads back to the system, where nothing of them is needed any more."""
        if self._map is not None and self._largest > _KEPT_BYTES:
            self._map.madvise(mmap.MADV_REMOVE)
            self._largest = 0

    def close(self) -> None:
        """Unmap, unless another thread is writing; the worker's mapping ends with the worker."""
        if self._map is not None:
            with contextlib.suppress(BufferError):
                self._view.release()
                self._map.close()


def open_arena(size: int) -> tuple[Arena, int]:
    """Return the parent's side of a new arena of ``size`` bytes, and the descriptor for the worker, to be closed.

    The memory is taken as it is written, not before.

    Raises:
        SandboxError: the system has no room for it.
    """
    try:
        descriptor = os.memfd_create("secureload-arena", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(descriptor, size)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
            return Arena(descriptor, size, parent=True), descriptor
        except BaseException:
            os.close(descriptor)
            raise
    except (OSError, ValueError) as error:
        raise SandboxError(f"there is no shared memory for the sandbox: {error}") from error
