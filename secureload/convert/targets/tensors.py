"""Plain safetensors for what is arrays by name: numpy archives, PyTorch state dictionaries.

What the format cannot hold is refused by name: text, bytes, times, objects, records, complex128 and long double.
Arrays are made contiguous and little-endian first, for version 0.8.0 of the safetensors library writes strided and
Fortran-ordered arrays wrong; here its format is written directly, and read back by the proof.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from secureload.convert.targets.compressed import compressed
from secureload.errors import ConversionError
from secureload.limits import Limits
from secureload.sandbox.roles.plain_tensors import DTYPES, NARROW
from secureload.structured.container import padding

__all__ = ["as_arrays", "encode", "is_tensors", "prepare"]

_NAMES = {name: kind for kind, name in DTYPES.items()}
_TORCH_NARROW = {
    "torch.bfloat16": "BF16",
    "torch.float8_e4m3fn": "F8_E4M3",
    "torch.float8_e5m2": "F8_E5M2",
}


def prepare() -> None:
    """Nothing of a file is needed."""


def is_tensors(value: Any) -> bool:
    """Whether the value is a dictionary of arrays or tensors by name, nested or not."""
    if not isinstance(value, Mapping) or not value or not all(isinstance(key, str) for key in value):
        return False
    return all(_is_array(item) or is_tensors(item) for item in value.values())


def _is_array(value: Any) -> bool:
    import numpy as np

    return isinstance(value, np.ndarray | np.generic) or (
        type(value).__module__.startswith("torch") and hasattr(value, "detach")
    )


def as_arrays(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return (type, array) by name, nested names joined by dots; ConversionError for what has no form."""
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = f"{prefix}{key}"
        parts = as_arrays(item, f"{name}.") if isinstance(item, Mapping) else {name: _array(name, item)}
        for inner, array in parts.items():
            if inner in found:
                raise ConversionError(f"two tensors would be called {inner!r}", hint="rename one of them")
            found[inner] = array
    return found


def _array(name: str, value: Any) -> tuple[str, Any]:
    import numpy as np

    if hasattr(value, "detach"):
        narrow, value = _of_torch(name, value)
        if narrow:
            return narrow, value
    array = np.asarray(value)
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    kind = _NAMES.get(little.dtype.str)
    if kind is None:
        raise ConversionError(
            f"array {name!r} is of type {array.dtype}, which safetensors cannot hold",
            hint="convert it to numbers, or keep the file as it is",
            unsupported=str(array.dtype),
        )
    return kind, np.ascontiguousarray(little).reshape(array.shape)


def _of_torch(name: str, value: Any) -> tuple[str, Any]:
    """Return a tensor as an array; for a type that numpy has not, its name and the bits."""
    if str(value.layout) != "torch.strided" or value.is_quantized or value.is_meta:
        raise ConversionError(
            f"tensor {name!r} is sparse, quantized or without data, which safetensors cannot hold",
            hint="convert it to a dense tensor",
            unsupported=str(value.layout),
        )
    # A tensor may be the conjugate or the negative of what lies in memory.
    value = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
    narrow = _TORCH_NARROW.get(str(value.dtype), "")
    try:
        if narrow:
            import torch

            bits = torch.int16 if narrow == "BF16" else torch.uint8
            return narrow, value.view(bits).numpy().view(NARROW[narrow])
        return "", value.numpy()
    except (TypeError, RuntimeError):
        raise ConversionError(
            f"tensor {name!r} is of type {value.dtype}, which safetensors cannot hold",
            hint="convert it to float32 before it is saved",
            unsupported=str(value.dtype),
        ) from None


def encode(model: Any, own_names: tuple[str, ...], limits: Limits, options: Mapping[str, Any]) -> list[Any]:
    """Return the file in pieces. Tensors that share memory are written each on its own."""
    del own_names, limits
    arrays = sorted(as_arrays(model).items(), key=lambda entry: (-entry[1][1].dtype.itemsize, entry[0]))
    header: dict[str, Any] = {}
    position = 0
    pieces: list[Any] = []
    for name, (kind, array) in arrays:
        header[name] = {
            "dtype": kind,
            "shape": list(array.shape),
            "data_offsets": [position, position + array.nbytes],
        }
        position += array.nbytes
        pieces.append(memoryview(array.reshape(-1).view("u1")) if array.size else b"")
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * padding(len(text))
    return compressed([len(text).to_bytes(8, "little"), text, *pieces], options)
