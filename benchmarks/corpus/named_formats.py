"""Hostile files of the formats that name what they load: skops, Keras, HDF5."""

from __future__ import annotations

import base64
import io
import json
import marshal
from collections.abc import Iterator
from typing import Any

from benchmarks.corpus.sample import Kind, Sample
from benchmarks.corpus.wrappers import zip_of

__all__ = ["keras_samples", "skops_samples"]

_TYPES = (
    ("os", "system"),
    ("posix", "system"),
    ("subprocess", "Popen"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("io", "open"),
    ("importlib", "import_module"),
    ("pickle", "loads"),
    ("socket", "create_connection"),
    ("ctypes", "CDLL"),
    ("shutil", "rmtree"),
    ("pathlib", "os.system"),
)


def skops_samples() -> Iterator[Sample]:
    """Yield an archive for each kind of node that names a type."""
    for module, name in _TYPES:
        node = {"__class__": name, "__module__": module, "__id__": 2}
        words = _json("echo hello")
        nodes: dict[str, dict[str, Any]] = {
            "function": {**node, "__loader__": "FunctionNode"},
            "old-function": {**_plain("function"), "__loader__": "FunctionNode", "content": {"module_path": module, "function": name}},
            "object": {**node, "__loader__": "ObjectNode", "content": _dictionary({"a": words})},
            "reduced": {**node, "__loader__": "ConstructorFromReduceNode", "content": _tuple(words)},
            "type": {**node, "__loader__": "TypeNode"},
            "partial": {**_plain("partial", "functools"), "__loader__": "PartialNode", "content": {"func": {**node, "__loader__": "FunctionNode"}, "args": _tuple(words), "kwds": _dictionary({}), "namespace": _dictionary({})}},
            "method": {**node, "__loader__": "MethodNode", "content": {"func": name, "obj": {**node, "__loader__": "ObjectNode"}}},
        }  # fmt: skip
        for label, entry in nodes.items():
            yield Sample("malicious", "skops", f"{module}.{name}-{label}.skops", _skops(entry))
    attributes = {
        "__class__": "methodcaller",
        "__module__": "operator",
        "__loader__": "OperatorFuncNode",
        "__id__": 3,
    }
    yield Sample(
        "malicious", "skops", "operator.skops", _skops({**attributes, "attrs": _tuple(_json("system"))})
    )
    other = {**attributes, "__class__": "system", "__module__": "os", "attrs": _tuple(_json("echo hello"))}
    yield Sample("malicious", "skops", "operator-of-os.skops", _skops(other))
    loss = {"__class__": "system", "__module__": "os", "__loader__": "LossNode", "__id__": 4, "content": {}}
    yield Sample("malicious", "skops", "loss-of-os.skops", _skops(loss))
    cached = {
        "__class__": "dict",
        "__module__": "builtins",
        "__loader__": "DictNode",
        "content": {},
        "__id__": 1,
    }
    hidden = {
        **cached,
        "key_types": {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "__id__": 5},
    }
    yield Sample("malicious", "skops", "in-key-types.skops", _skops(hidden))


def _skops(content: dict[str, Any]) -> bytes:
    schema = {**_dictionary({"model": content}), "protocol": 2, "_skops_version": "0.13.0"}
    return zip_of({"schema.json": json.dumps(schema, indent=2).encode()})


def _plain(name: str, module: str = "builtins") -> dict[str, Any]:
    return {"__class__": name, "__module__": module, "__id__": 7}


def _json(value: object) -> dict[str, Any]:
    return {**_plain("str"), "__loader__": "JsonNode", "content": json.dumps(value), "is_json": True}


def _tuple(*items: dict[str, Any]) -> dict[str, Any]:
    return {**_plain("tuple"), "__loader__": "TupleNode", "content": list(items)}


def _dictionary(content: dict[str, Any]) -> dict[str, Any]:
    keys = {**_plain("list"), "__loader__": "ListNode", "content": [_json(key) for key in content]}
    return {**_plain("dict"), "__loader__": "DictNode", "content": content, "key_types": keys}


def _lambda(line: str) -> str:
    # Compiled, never run: what a Lambda layer carries.
    return base64.b64encode(marshal.dumps(compile(line, "<lambda>", "eval"))).decode()


def keras_samples() -> Iterator[Sample]:
    """Yield layers that carry code, name functions, or read files."""
    for label, layer in _layers():
        config = {
            "module": "keras", "class_name": "Sequential", "registered_name": None,
            "config": {"name": "model", "layers": [_input(), layer]}, "compile_config": None,
        }  # fmt: skip
        whole = zip_of({
            "metadata.json": b'{"keras_version": "3.9.0", "date_saved": "2025-01-01@00:00:00"}',
            "config.json": json.dumps(config).encode(),
            "model.weights.h5": _hdf5({}),
        })  # fmt: skip
        kind: Kind = "by-value" if label == "lambda-of-arithmetic" else "malicious"
        yield Sample(kind, "keras", f"{label}.keras", whole)
        attributes = {"model_config": json.dumps(config), "keras_version": "2.15.0", "backend": "tensorflow"}
        yield Sample(kind, "hdf5", f"{label}.h5", _hdf5(attributes))
    yield Sample(
        "malicious",
        "keras",
        "pickle-member.keras",
        zip_of({"config.json": b"{}", "model.weights.h5": b"cos\nsystem\n(Vecho hello\ntR."}),
    )
    yield Sample("malicious", "hdf5", "external-link.h5", _linked(external_storage=False))
    yield Sample("malicious", "hdf5", "external-storage.h5", _linked(external_storage=True))


def _input() -> dict[str, Any]:
    return {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "registered_name": None,
        "config": {"batch_shape": [None, 4], "dtype": "float32", "name": "input"},
    }


def _layer(name: str, module: str, config: dict[str, Any]) -> dict[str, Any]:
    return {
        "module": module,
        "class_name": name,
        "registered_name": None,
        "config": {"name": "layer", **config},
    }


def _function(module: str, name: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def _layers() -> Iterator[tuple[str, dict[str, Any]]]:
    code = {
        "class_name": "__lambda__",
        "config": {
            "code": _lambda("__import__('os').system('echo hello')"),
            "defaults": None,
            "closure": None,
        },
    }
    yield "lambda", _layer("Lambda", "keras.layers", {"function": code})
    yield (
        "lambda-of-arithmetic",
        _layer(
            "Lambda",
            "keras.layers",
            {"function": {**code, "config": {**code["config"], "code": _lambda("x * 2")}}},
        ),
    )
    old = [code["config"]["code"], None, None]
    yield (
        "lambda-of-keras-2",
        {
            "class_name": "Lambda",
            "config": {"name": "layer", "function": old, "function_type": "lambda", "module": "keras.layers"},
        },
    )
    wrapped = {"layer": _layer("Lambda", "keras.layers", {"function": code})}
    yield "lambda-in-wrapper", _layer("TimeDistributed", "keras.layers", wrapped)
    yield (
        "lambda-in-submodel",
        _layer(
            "Sequential",
            "keras",
            {"layers": [_input(), _layer("Lambda", "keras.layers", {"function": code})]},
        ),
    )
    for module, name in (
        ("os", "system"),
        ("builtins", "exec"),
        ("subprocess", "run"),
        ("importlib", "import_module"),
        ("keras.config", "enable_unsafe_deserialization"),
        ("keras.utils", "get_file"),
        ("keras.src.utils.file_utils", "get_file"),
    ):
        yield (
            f"function-{module}.{name}",
            _layer("Lambda", "keras.layers", {"function": _function(module, name)}),
        )
        yield f"class-{module}.{name}", _layer(name, module, {})
        yield (
            f"activation-{module}.{name}",
            _layer("Dense", "keras.layers", {"units": 1, "activation": _function(module, name)}),
        )
    yield "vocabulary-file", _layer("StringLookup", "keras.layers", {"vocabulary": "/etc/passwd"})
    yield (
        "torch-module",
        _layer(
            "TorchModuleWrapper",
            "keras.layers",
            {"module": base64.b64encode(b"\x80\x02cos\nsystem\n(X\x04\x00\x00\x00truetR.").decode()},
        ),
    )


def _hdf5(attributes: dict[str, str]) -> bytes:
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w", track_order=True) as file:
        for name, value in attributes.items():
            file.attrs[name] = value
        group = file.create_group("model_weights")
        group.create_dataset("kernel", data=[[0.5, 0.25]])
    return buffer.getvalue()


def _linked(*, external_storage: bool) -> bytes:
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        if external_storage:
            file.create_dataset("kernel", (16,), dtype="u1", external=[("/etc/passwd", 0, 16)])
        else:
            file["kernel"] = h5py.ExternalLink("/etc/passwd", "/secret")
    return buffer.getvalue()
