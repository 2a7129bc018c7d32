"""Plain safetensors: arrays by name, contiguous and little-endian whatever they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.convert.targets import tensors
from secureload.errors import ConversionError
from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.roles.plain_tensors import read_tensors


def through(arrays: dict[str, Any]) -> dict[str, Any]:
    pieces = tensors.encode(arrays, (), DEFAULT_LIMITS, {})
    return read_tensors(memoryview(b"".join(pieces)), DEFAULT_LIMITS)


@given(
    st.sampled_from(["<f8", ">f4", "<f2", ">i8", "<i4", "|u1", "|b1", "<c8"]),
    st.integers(1, 4),
    st.integers(1, 4),
    st.sampled_from(["C", "F", "reversed", "strided"]),
)
def test_whatever_lies_in_memory_comes_back(dtype: str, rows: int, columns: int, layout: str) -> None:
    array = np.arange(rows * columns * 2).astype(dtype).reshape(rows, columns * 2)
    array = {"C": array, "F": np.asfortranarray(array), "reversed": array[::-1], "strided": array[:, ::2]}[
        layout
    ]
    again = through({"x": array})["x"]
    assert np.array_equal(again, array)
    assert again.dtype == array.dtype.newbyteorder("=")


def test_names_of_nested_dictionaries_are_joined() -> None:
    assert list(through({"model": {"w": np.zeros(2)}, "step": np.int64(3)})) == ["model.w", "step"]
    with pytest.raises(ConversionError, match=r"model\.w"):
        tensors.as_arrays({"model": {"w": np.zeros(2)}, "model.w": np.zeros(1)})


def test_what_is_no_dictionary_of_arrays_is_none() -> None:
    assert tensors.is_tensors({"a": np.zeros(1), "b": {"c": np.zeros(2)}})
    assert not tensors.is_tensors({"a": [1.0]})
    assert not tensors.is_tensors({1: np.zeros(1)})
    assert not tensors.is_tensors({})


def test_tensors_of_torch_that_share_memory_are_each_written() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    base = torch.arange(6.0).reshape(2, 3)
    again = through({"a": base, "b": base.T, "half": base.to(torch.bfloat16)})
    assert np.array_equal(again["b"], base.T.numpy())
    assert np.array_equal(again["half"], base.numpy())
