"""How an admitted artifact is read, by what the examination found it to be."""

from __future__ import annotations

import re

from secureload.errors import UnsupportedError
from secureload.pickles.trace import Trace
from secureload.scan.finding import Examination
from secureload.scan.part import Part
from secureload.values import dataclass

__all__ = ["CODE_FREE", "Reading", "reading_of"]

# Readers of formats that cannot run code, whoever wrote the file: these may be loaded in the caller's own process.
_PICKLES = frozenset({"pickle", "joblib", "torch"})
_TORCH_PICKLE = re.compile(r"([^/]+/)?data\.pkl")
CODE_FREE = frozenset({"structured", "safetensors", "onnx", "numpy"})


@dataclass(frozen=True, slots=True)
class Reading:
    """The reader ("pickle", "joblib", "structured", "onnx" …) and what the payload names."""

    name: str
    trace: Trace


def reading_of(examination: Examination) -> Reading:
    """Return how the artifact is read.

    Raises:
        UnsupportedError: it is of a format that nothing here loads.
    """
    part = _payload(examination)
    trace = part.trace if part.format != "torch-zip" else _torch_trace(examination)
    if part.format in ("pickle", "torch-zip") and trace is not None and trace.reading in _PICKLES:
        return Reading(trace.reading, trace)
    empty = Trace(reading="pickle")
    if part.format == "safetensors":
        return Reading("structured" if trace is not None else "safetensors", trace or empty)
    if part.format == "onnx":
        return Reading("onnx", empty)
    if part.format == "skops" and part.path == "":
        return Reading("skops", trace or empty)  # one that names nothing holds nothing but numbers and texts
    if part.format in ("npz", "npy") and part.path == "":
        return Reading("numpy", empty)
    raise UnsupportedError(
        f"this is {part.description}, which safe_load does not load yet",
        hint="pickle, joblib, PyTorch, safetensors, skops, ONNX and numpy files are loaded",
    )


def _torch_trace(examination: Examination) -> Trace | None:
    """Return the trace of the one member that ``torch.load`` unpickles."""
    inside = [part for part in examination.parts[1:] if _TORCH_PICKLE.fullmatch(part.path)]
    return inside[0].trace if len(inside) == 1 else None


def _payload(examination: Examination) -> Part:
    """Return the part that is loaded: the artifact itself, or the one member of a compressed file."""
    parts = examination.parts
    if parts[0].format == "compressed" and len(parts) == 2:
        return parts[1]
    return parts[0]
