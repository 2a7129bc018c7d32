"""Readers of the formats that are no pickle, in the worker: bytes → the object that is served."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from secureload.errors import LimitError
from secureload.limits import Limits
from secureload.pickles.source import ByteSource
from secureload.sandbox.roles.loader import AdmittedGlobals

__all__ = ["reader_of", "whole"]

_Reader = Callable[[ByteSource, AdmittedGlobals, Limits], Any]
_CHUNK_BYTES = 1 << 24


def reader_of(reading: str) -> _Reader | None:
    """Return the reader of that name, None for the readings of pickles."""
    return _READERS.get(reading)


def whole(source: ByteSource, limits: Limits) -> memoryview:
    """Return all bytes of ``source``: where they lie in memory, or expanded."""
    size = getattr(source, "size_left", None)
    view = getattr(source, "view", None)
    found = view(size()) if size is not None and view is not None else None
    if found is not None:
        return memoryview(found)
    pieces, total = [], 0
    while piece := source.read(_CHUNK_BYTES):
        total += len(piece)
        if total > limits.expanded_bytes:
            raise LimitError(
                "the model expands to too many bytes",
                limit="expanded_bytes",
                allowed=limits.expanded_bytes,
                seen=total,
            )
        pieces.append(piece)
    return memoryview(bytearray().join(pieces))


def _structured(source: ByteSource, admitted: AdmittedGlobals, limits: Limits) -> Any:
    from secureload.structured.decoder import decode
    from secureload.structured.known import default_known

    # Whoever loads it has verified a signature: damage was found already.
    return decode(
        whole(source, limits), default_known().extended_by(admitted.own_names()), limits, checksum=False
    )


def _tensors(source: ByteSource, _: AdmittedGlobals, limits: Limits) -> Any:
    from secureload.sandbox.roles.plain_tensors import read_tensors
    from secureload.structured.container import is_structured

    data = whole(source, limits)
    if not is_structured(data):
        return read_tensors(data, limits)
    # A structured file whose examination found no names: nothing was admitted, and so it may name nothing.
    from secureload.structured.decoder import decode
    from secureload.structured.known import Known

    return decode(data, Known((), ()), limits, checksum=False)


def _onnx(source: ByteSource, _: AdmittedGlobals, limits: Limits) -> Any:
    from secureload.sandbox.roles.onnx_model import OnnxModel

    return OnnxModel(bytes(whole(source, limits)))


def _skops(source: ByteSource, admitted: AdmittedGlobals, limits: Limits) -> Any:
    from secureload.sandbox.roles.skops_model import read_skops

    return read_skops(bytes(whole(source, limits)), admitted, limits)


def _numpy(source: ByteSource, _: AdmittedGlobals, limits: Limits) -> Any:
    from secureload.sandbox.roles.numpy_files import read_numpy

    return read_numpy(whole(source, limits))


_READERS: dict[str, _Reader] = {
    "structured": _structured,
    "safetensors": _tensors,
    "onnx": _onnx,
    "skops": _skops,
    "numpy": _numpy,
}
