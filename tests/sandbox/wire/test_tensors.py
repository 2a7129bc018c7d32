"""Tensors arrive as tensors where PyTorch is imported, and as arrays elsewhere."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.wire.errors import Unencodable, WireValueError
from secureload.sandbox.wire.values import Decoder, Encoder

from .crossing import crossed


def torch_module() -> Any:
    return pytest.importorskip("torch", reason="torch is not installed (the extra 'libraries' has it)")


KINDS = ["bool", "uint8", "int8", "int64", "float16", "bfloat16", "float32", "float64", "complex64"]


@pytest.mark.parametrize("name", KINDS)
def test_a_tensor_of_each_dtype_arrives_with_its_layout(name: str) -> None:
    torch = torch_module()
    tensor = torch.tensor([[0, 1, 2], [3, 4, 5]]).to(getattr(torch, name))
    for value in (tensor, tensor.t(), tensor[:, ::2], tensor[0], tensor[0, 1], tensor[:0]):
        found = crossed(value)
        assert type(found) is torch.Tensor
        assert (found.dtype, found.shape) == (value.dtype, value.shape)
        assert torch.equal(found, value)
    assert crossed(tensor.t()).stride() == tensor.t().stride()


def test_parameters_dtypes_sizes_and_state_dictionaries_arrive() -> None:
    torch = torch_module()
    found = crossed(torch.nn.Parameter(torch.ones(2), requires_grad=False))
    assert type(found) is torch.nn.Parameter
    assert not found.requires_grad
    assert crossed(torch.float16) is torch.float16
    assert crossed(torch.ones(2, 3).shape) == (2, 3)
    state = torch.nn.Linear(2, 1).state_dict()
    assert list(crossed(state)) == ["weight", "bias"]


def test_a_tensor_is_an_array_where_torch_was_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    tree = ["tt", "float32", False, False, ["a", "<f4", [2], False, 0]]
    found = Decoder((np.array([1, 2], "<f4").tobytes(),), DEFAULT_LIMITS).decode(tree)
    assert type(found) is np.ndarray
    assert found.tolist() == [1, 2]


def test_what_has_no_encoding_is_refused_by_its_name() -> None:
    torch = torch_module()
    for value, words in (
        (torch.ones(2, device="meta"), "on meta"),
        (torch.eye(2).to_sparse(), "sparse"),
        (torch.nn.ReLU(), "ReLU"),
    ):
        with pytest.raises(Unencodable, match=words):
            Encoder(DEFAULT_LIMITS).encode(value)


@pytest.mark.parametrize(
    "parts",
    [
        ["float32", False, False, ["a", "<f8", [1], False, 0]],
        ["float33", False, False, ["a", "<f4", [2], False, 0]],
        ["float32", False, False, 5],
        ["float32", False],
    ],
    ids=repr,
)
def test_a_forged_tensor_is_a_wire_error(parts: list[Any]) -> None:
    with pytest.raises(WireValueError):
        Decoder((bytes(8),), DEFAULT_LIMITS).decode(["tt", *parts])
    for tree in (["tdt", "load"], ["tdv", "cuda:no"], ["tdv", "file"]):
        with pytest.raises(WireValueError):
            Decoder((), DEFAULT_LIMITS).decode(tree)
