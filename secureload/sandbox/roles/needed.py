"""Which modules a reader needs besides those that the artifact names; they are imported before the doors close."""

from __future__ import annotations

__all__ = ["READINGS", "modules_of"]

# Reader → the libraries that it is made of.
READINGS: dict[str, tuple[str, ...]] = {
    "structured": ("secureload.structured.decoder", "secureload.structured.known"),
    "safetensors": ("secureload.sandbox.roles.plain_tensors", "secureload.structured.decoder"),
    "skops": (
        "encodings.cp437",
        "skops.io",
        "secureload.sandbox.roles.skops_model",
        "secureload.structured.decoder",
        "secureload.structured.encoder",
        "secureload.structured.known",
    ),
    "onnx": ("onnxruntime", "secureload.sandbox.roles.onnx_model"),
    "numpy": ("encodings.cp437", "numpy.lib.format", "secureload.sandbox.roles.numpy_files", "zipfile"),
}


def modules_of(reading: str) -> tuple[str, ...]:
    """Return the modules that the reader needs; none for pickles."""
    return READINGS.get(reading, ())
