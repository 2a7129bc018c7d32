"""PyTorch's tensors as values of the wire: they arrive as tensors where PyTorch is imported, as arrays elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from secureload.sandbox.wire.errors import Unencodable, WireValueError

__all__ = ["decode_tensor", "encode_torch"]

# dtype → the numpy dtype of the same size that its bits travel in, where numpy has none of the kind.
_BITS = {"bfloat16": "int16", "float8_e4m3fn": "uint8", "float8_e5m2": "uint8"}
_ALIGNMENT = 64
_DTYPES = frozenset(
    {"bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "float32"}
    | {"float64", "complex64", "complex128", *_BITS}
)


def encode_torch(value: Any, encode: Callable[[Any], Any]) -> list[Any]:
    """Encode a tensor or parameter, a dtype, a device or a size of PyTorch; what a gradient would need stays.

    Raises:
        Unencodable: a tensor of another layout or device, or something else of PyTorch's.
    """
    import torch

    if isinstance(value, torch.Tensor):
        return _tensor(value, encode)
    if isinstance(value, torch.Size):
        return ["t", list(value)]
    if isinstance(value, torch.dtype):
        return ["tdt", str(value).removeprefix("torch.")]
    if isinstance(value, torch.device):
        return ["tdv", str(value)]
    if isinstance(value, dict):  # a state dictionary
        return ["od", [[encode(key), encode(item)] for key, item in value.items()]]
    raise Unencodable(f"an object of type {type(value).__qualname__}")


def _tensor(value: Any, encode: Callable[[Any], Any]) -> list[Any]:
    import torch

    if type(value) not in {torch.Tensor, torch.nn.Parameter, torch.nn.Buffer}:
        raise Unencodable(f"a tensor of type {type(value).__qualname__}")
    if value.device.type != "cpu":
        raise Unencodable(f"a tensor on {value.device}", "move it to main memory first: .cpu()")
    name = str(value.dtype).removeprefix("torch.")
    if value.layout is not torch.strided or name not in _DTYPES:
        raise Unencodable(f"a tensor of layout {value.layout} and dtype {value.dtype}")
    plain = value.detach().resolve_conj().resolve_neg()
    if name in _BITS:
        plain = plain.view(getattr(torch, _BITS[name]))
    is_parameter = isinstance(value, torch.nn.Parameter)
    return ["tt", name, is_parameter, bool(value.requires_grad and value.is_leaf), encode(plain.numpy())]


def decode_tensor(tag: str, parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    """Rebuild a tensor, dtype or device; a tensor is an array where PyTorch was not imported."""
    import numpy as np

    torch: Any = sys.modules.get("torch")
    if tag in {"tdt", "tdv"}:
        return _named(torch, tag, *parts)
    name, is_parameter, gradient, encoded = parts
    array = decode(encoded)
    if name not in _DTYPES or type(array) is not np.ndarray or array.dtype != np.dtype(_BITS.get(name, name)):
        raise WireValueError("a tensor that is none")
    if torch is None:
        return array
    if not array.flags.writeable or any(stride < 0 for stride in array.strides):
        array = array.copy()
    tensor = torch.from_numpy(array)
    if tensor.data_ptr() % _ALIGNMENT:
        # As torch's own allocator would: what MKL computes differs in the last place where the memory lies otherwise.
        tensor = tensor.clone()
    if name in _BITS:
        tensor = tensor.view(getattr(torch, name))
    if is_parameter is True:
        return torch.nn.Parameter(tensor, requires_grad=gradient is True)
    return tensor.requires_grad_() if gradient is True else tensor


def _named(torch: Any, tag: str, name: object) -> Any:
    if tag == "tdv":
        if name not in {"cpu", "cuda", "meta", "mps"}:
            raise WireValueError("a device that is none")
        return name if torch is None else torch.device(name)
    if name not in _DTYPES:
        raise WireValueError("a dtype that is none")
    return name if torch is None else getattr(torch, str(name))
