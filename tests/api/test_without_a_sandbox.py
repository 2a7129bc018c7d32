"""isolation="none": for formats that hold data; whatever their bytes are, a value or an error of ours."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import secureload
from secureload.api.sign import sign
from secureload.errors import SecureloadError
from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.proof import MissingModuleError
from secureload.sandbox.roles.plain_tensors import read_tensors
from secureload.signing.keys import SigningKey
from secureload.signing.truststore import TrustStore


def entry(dtype: Any, shape: Any, begin: Any, end: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def file_of(header: Any, size: int, fill: bytes = b"\0") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + fill * size


F = entry("F32", [1], 0, 4)
FORGED = {
    "a tensor twice": file_of(b'{"a":%b,"a":%b}' % ((json.dumps(F).encode(),) * 2), 4),
    "65 dimensions": file_of({"a": entry("F32", [1] * 65, 0, 4)}, 4),
    "a truth value of two": file_of({"a": entry("BOOL", [1], 0, 1)}, 1, b"\x02"),
    "a type that is a list": file_of({"a": entry(["F32"], [1], 0, 4)}, 4),
    "a type that numpy has not": file_of({"a": entry("F8_E8M0", [1], 0, 1)}, 1),
    "a negative length": file_of({"a": entry("F32", [-1], 0, 4)}, 4),
    "a length with a point": file_of({"a": entry("F32", [1.0], 0, 4)}, 4),
    "a length that is true": file_of({"a": entry("F32", [True], 0, 4)}, 4),
    "more than 64 bits of elements": file_of({"a": entry("F32", [1 << 62, 4], 0, 4)}, 4),
    "nothing, of huge lengths": file_of({"a": entry("F32", [1 << 62, 1 << 62, 0], 0, 0)}, 0),
    "tensors in each other": file_of({"a": entry("F32", [2], 0, 8), "b": entry("F32", [2], 4, 12)}, 12),
    "a hole": file_of({"a": F, "b": entry("F32", [1], 8, 12)}, 12),
    "bytes behind the last": file_of({"a": F}, 12),
    "an end beyond the file": file_of({"a": entry("F32", [4], 0, 16)}, 8),
    "an end before its begin": file_of({"a": entry("F32", [0], 8, 4)}, 8),
    "a size that is not its shape's": file_of({"a": entry("F32", [3], 0, 8)}, 8),
    "an entry without offsets": file_of({"a": {"dtype": "F32", "shape": [1]}}, 4),
    "an entry that says more": file_of({"a": {**F, "more": 1}}, 4),
    "metadata that is a list": file_of({"__metadata__": [], "a": F}, 4),
    "metadata that is no text": file_of({"__metadata__": {"a": 1}, "a": F}, 4),
    "a space before the header": file_of(b" " + json.dumps({"a": F}).encode(), 4),
    "a header that is no JSON": file_of(b'{"a":', 4),
    "a header that is no UTF-8": file_of(b'{"a\xff":1}', 4),
    "a header that is nested too deep": file_of(b'{"a":' + b"[" * 50_000, 0),
    "a header that is a number": file_of(b"3", 0),
    "a header beyond the file": (1 << 39).to_bytes(8, "little") + b'{"a":1}',
    "a number of 5,000 digits": file_of(b'{"a":{"dtype":"F32","shape":[%b]}}' % (b"9" * 5000), 4),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_safetensors_file_is_an_error_with_and_without_a_sandbox(
    tmp_path: Path, alice: SigningKey, store: TrustStore, name: str
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(FORGED[name])
    sign(path, key=alice)
    for isolation in ("none", "process"):
        with pytest.raises(SecureloadError):
            secureload.safe_load(path, trust_store=store, isolation=isolation)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", FORGED)
def test_its_reader_alone_raises_nothing_else(name: str) -> None:
    """The examination comes first, and refuses more than the reader does."""
    try:
        found = read_tensors(memoryview(FORGED[name]), DEFAULT_LIMITS)
    except SecureloadError:
        return
    assert all(isinstance(array, np.ndarray) for array in found.values())


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_numpy_archives_hold_data_and_are_loaded_here(
    tmp_path: Path, alice: SigningKey, store: TrustStore
) -> None:
    path = tmp_path / "arrays.npz"
    path.write_bytes(npz(a=np.arange(3), b=np.ones((2, 2))))
    sign(path, key=alice)
    here = secureload.safe_load(path, trust_store=store, isolation="none")
    assert here["a"].tolist() == [0, 1, 2]
    assert secureload.safe_load(path, trust_store=store)["b"].sum() == 4


@pytest.mark.parametrize("array", [np.array([1, None], object), np.array([{"a": 1}], object)], ids=str)
def test_an_archive_of_objects_is_never_unpickled_here(
    tmp_path: Path, alice: SigningKey, store: TrustStore, array: Any
) -> None:
    path = tmp_path / "arrays.npz"
    path.write_bytes(npz(fine=np.zeros(1), odd=array))
    sign(path, key=alice)
    with pytest.raises(SecureloadError, match="'odd'"):
        secureload.safe_load(path, trust_store=store, isolation="none")


def test_a_library_that_is_missing_is_named_with_the_extra_that_brings_it(
    tmp_path: Path, alice: SigningKey, store: TrustStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["x"], ["y"])], "g", [value], [])
    graph.output.append(onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1]))
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    sign(path, key=alice)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingModuleError) as caught:
        secureload.safe_load(path, trust_store=store, isolation="none")
    assert "secureload[onnx]" in caught.value.hint
