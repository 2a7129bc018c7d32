"""What loaders do besides unpickling: joblib's arrays, skops' schema, PyTorch's weights-only unpickler."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from secureload.pickles.assembler import Assembler

from .archives import EVIL, skops, torch_zip, zipped
from .checking import dangerous, names, not_accepted

SYSTEM = "os.system"


class Payload:
    def __reduce__(self) -> Any:
        import os

        return os.system, ("echo hello",)


def dumped(value: Any, **options: Any) -> bytes:
    target = io.BytesIO()
    joblib.dump(value, target, **options)
    return target.getvalue()


@pytest.mark.parametrize("compress", [0, 3])
def test_CVE_2024_34997_an_array_of_objects_in_a_joblib_file_is_a_pickle_of_its_own(
    compress: int, tmp_path: Path
) -> None:
    array = np.array([1, Payload(), "x"], dtype=object)
    found = dangerous(tmp_path, dumped({"a": np.arange(9.0), "b": array}, compress=compress), "model.joblib")
    assert names(found, "posix.system")


def test_CVE_2022_21797_an_expression_that_joblib_evaluates(tmp_path: Path) -> None:
    code = Assembler(4).stack_global("joblib.parallel", "Parallel").mark().integer(1).none().integer(0)
    code = code.none().text("print(1)").tuple_().reduce()
    assert names(dangerous(tmp_path, code.stop()), "joblib.parallel.Parallel")


def node(loader: str, module: str, name: str, **more: Any) -> dict[str, Any]:
    return {"__class__": name, "__module__": module, "__loader__": loader, "__id__": 1, **more}


def document(content: dict[str, Any]) -> bytes:
    return skops({**content, "protocol": 2, "_skops_version": "0.11.0"})


def test_CVE_2025_54412_a_skops_operator_whose_module_is_not_operator(tmp_path: Path) -> None:
    attrs = {
        "__class__": "tuple",
        "__module__": "builtins",
        "__loader__": "TupleNode",
        "__id__": 2,
        "content": [],
    }
    data = document(node("OperatorFuncNode", "os", "system", attrs=attrs))
    assert names(dangerous(tmp_path, data, "model.skops"), SYSTEM)
    assert not_accepted(
        tmp_path, document(node("OperatorFuncNode", "operator", "call", attrs=attrs)), "model.skops"
    )


def test_CVE_2025_54413_a_skops_method_of_a_type_that_is_not_the_one_named(tmp_path: Path) -> None:
    inner = {**node("ObjectNode", "builtins", "int", content=None), "__id__": 3}
    content = {"func": "system", "obj": inner}
    data = document(node("MethodNode", "os", "system", content=content))
    assert names(dangerous(tmp_path, data, "model.skops"), SYSTEM)


def test_CVE_2024_37065_a_skops_file_that_names_a_type_of_its_own(tmp_path: Path) -> None:
    content = {**node("DictNode", "builtins", "dict", content={}, key_types=node("ListNode", "builtins", "list")),
               "__id__": 4}  # fmt: skip
    for module, name in (("os", "system"), ("builtins", "eval"), ("subprocess", "Popen")):
        data = document(node("ObjectNode", module, name, content=content))
        assert names(dangerous(tmp_path, data, "model.skops"), f"{module}.{name}")
    unknown = document(node("ObjectNode", "unheard.of", "Thing", content=content))
    assert names(not_accepted(tmp_path, unknown, "model.skops"), "unheard.of.Thing")


def test_CVE_2025_54886_a_pickle_that_is_called_skops(tmp_path: Path) -> None:
    assert names(dangerous(tmp_path, EVIL, "model.skops"), SYSTEM)
    assert names(dangerous(tmp_path, zipped({"model.pkl": EVIL}), "model.skops"), SYSTEM)
    assert names(
        dangerous(tmp_path, skops({"__loader__": "x"}, **{"sidecar.pkl": EVIL}), "model.skops"), SYSTEM
    )


# The weights-only unpickler sets items of whatever lies on the stack, and believes the sizes that a storage
# states: memory is written, nothing is imported that a list could name.
def test_CVE_2026_24747_items_are_set_on_what_is_no_dictionary(tmp_path: Path) -> None:
    code = Assembler(2).global_("torch._utils", "_rebuild_tensor_v2").mark().none().tuple_().reduce()
    code = code.mark().integer(0).integer(1).raw(b"u")
    assert not_accepted(tmp_path, torch_zip(code.stop()), "model.pt")


def test_CVE_2026_24747_a_storage_that_is_smaller_than_its_tensor(tmp_path: Path) -> None:
    code = Assembler(2).global_("torch._utils", "_rebuild_tensor_v2").mark()
    code = code.mark().text("storage").global_("torch", "FloatStorage").text("0").text("cpu").integer(1 << 20)
    code = code.tuple_().raw(b"Q").integer(0).mark().integer(1 << 20).tuple_().mark().integer(1).tuple_()
    code = (
        code.boolean(False).global_("collections", "OrderedDict").mark().tuple_().reduce().tuple_().reduce()
    )
    data = torch_zip(code.stop(), **{"archive/data/0": b"\0\0\0\0"})
    assert not_accepted(tmp_path, data, "model.pt")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("torch.storage", "_load_from_bytes"),
        ("torch.hub", "load_state_dict_from_url"),
        ("torch._C", "_jit_load"),
        ("torch.jit._serialization", "load"),
        ("torch.package", "PackageImporter"),
        ("torch.utils.cpp_extension", "load_inline"),
        ("torch.ops", "load_library"),
        ("torch", "load"),
        ("torch.distributed.rpc", "rpc_sync"),
    ],
    ids=lambda value: f"CVE-2025-32434-{value}",
)
def test_what_would_load_another_file_from_within_a_torch_archive(
    module: str, name: str, tmp_path: Path
) -> None:
    code = Assembler(2).global_(module, name).mark().text("x").tuple_().reduce()
    assert names(dangerous(tmp_path, torch_zip(code.stop()), "model.pt"), f"{module}.{name}")
