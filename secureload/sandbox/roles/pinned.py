"""How the loader reads an artifact: the stream that the tracer has read, from the same bytes."""

from __future__ import annotations

import copyreg

from secureload.formats.compression import detect_compression
from secureload.formats.expanding import ExpandingReader
from secureload.limits import Limits
from secureload.pickles.source import MappedSource
from secureload.sandbox.kernel import map_private

__all__ = ["HEAD_BYTES", "LoadedSource", "empty_extension_registry", "open_pinned"]

HEAD_BYTES = 4096


def open_pinned(descriptor: int, size: int, limits: Limits) -> LoadedSource | ExpandingReader:
    """Return the stream of the pinned bytes in ``descriptor`` from its beginning, expanded if it is compressed."""
    mapped = LoadedSource(descriptor, size)
    compression = detect_compression(mapped.head(HEAD_BYTES))
    return mapped if compression is None else ExpandingReader(mapped, compression, limits)


class LoadedSource(MappedSource):
    """Pinned bytes of which the arrays are used where they lie: what the model writes to becomes its own copy."""

    def __init__(self, fd: int, size: int) -> None:
        super().__init__(fd, size)
        self._descriptor = fd
        self._view: memoryview | None = None

    def size_left(self) -> int:
        """Return how many bytes follow."""
        return self._size - self.tell()

    def view(self, size: int) -> memoryview | None:
        """Return the next ``size`` bytes as they lie in memory, and step over them; None where there are fewer."""
        position = self.tell()
        if self._view is None:
            self._view = map_private(self._descriptor, self._size)
        found = self._view[position : position + size]
        if len(found) != size:
            return None
        self.seek(position + size)
        return found


def empty_extension_registry() -> None:
    """Forget every extension code, so that EXT opcodes reach nothing: a cached one never asks ``find_class``."""
    copyreg._extension_registry.clear()  # type: ignore[attr-defined]  # documented in copyreg, not in typeshed
    copyreg._inverted_registry.clear()  # type: ignore[attr-defined]  # as above
    copyreg._extension_cache.clear()  # type: ignore[attr-defined]  # as above
