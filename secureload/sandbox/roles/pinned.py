"""How both roles read an artifact: the tracer and the loader must open the same stream from the same bytes."""

from __future__ import annotations

import copyreg

from secureload.formats.compression import detect_compression
from secureload.formats.expanding import ExpandingReader
from secureload.limits import Limits
from secureload.pickles.source import MappedSource

__all__ = ["HEAD_BYTES", "empty_extension_registry", "open_pinned"]

HEAD_BYTES = 4096


def open_pinned(descriptor: int, size: int, limits: Limits) -> MappedSource | ExpandingReader:
    """Return the stream of the pinned bytes in ``descriptor`` from its beginning, expanded if it is compressed."""
    mapped = MappedSource(descriptor, size)
    compression = detect_compression(mapped.head(HEAD_BYTES))
    return mapped if compression is None else ExpandingReader(mapped, compression, limits)


def empty_extension_registry() -> None:
    """Forget every extension code, so that EXT opcodes reach nothing: a cached one never asks ``find_class``."""
    copyreg._extension_registry.clear()  # type: ignore[attr-defined]  # documented in copyreg, not in typeshed
    copyreg._inverted_registry.clear()  # type: ignore[attr-defined]  # as above
    copyreg._extension_cache.clear()  # type: ignore[attr-defined]  # as above
