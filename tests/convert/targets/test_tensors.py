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
from secureload.sandbox.roles.plain_tensors import read_tensors, widened


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


def test_tensors_that_are_the_conjugate_or_the_negative_of_what_lies_in_memory() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    value = torch.tensor([1 + 2j, 3 - 4j], dtype=torch.complex64)
    assert through({"x": value.conj()})["x"].tolist() == [1 - 2j, 3 + 4j]
    assert through({"x": value.conj().imag})["x"].tolist() == [-2, 4]


def test_floats_of_eight_bits_become_float32() -> None:
    """Values of arXiv 2209.05433, table 1: the smallest and the largest, and both zeros."""
    bits = np.array([0x00, 0x80, 0x01, 0x08, 0x38, 0xB8, 0x7E, 0x7F], np.uint8)
    found = widened("F8_E4M3", bits)
    assert found.dtype == np.float32
    assert found[:-1].tolist() == [0, 0, 2**-9, 2**-6, 1, -1, 448]
    assert np.signbit(found[1])
    assert np.isnan(found[-1])
    bits = np.array([0x01, 0x04, 0x3C, 0x7B, 0x7C, 0xFC, 0x7D], np.uint8)
    assert widened("F8_E5M2", bits)[:-1].tolist() == [2**-16, 2**-14, 1, 57_344, np.inf, -np.inf]
    assert np.isnan(widened("F8_E5M2", bits)[-1])


@pytest.mark.parametrize(("kind", "name"), [("F8_E4M3", "float8_e4m3fn"), ("F8_E5M2", "float8_e5m2")])
def test_all_floats_of_eight_bits_are_those_of_torch(kind: str, name: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    bits = np.arange(256, dtype=np.uint8)
    wanted = torch.from_numpy(bits.copy()).view(getattr(torch, name)).to(torch.float32).numpy()
    assert np.array_equal(widened(kind, bits), wanted, equal_nan=True)
