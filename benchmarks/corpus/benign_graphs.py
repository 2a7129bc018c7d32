"""The formats of tensors and graphs: safetensors, ONNX, GGUF, Keras."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.corpus.sample import Sample

__all__ = ["gguf_samples", "keras_samples", "onnx_samples", "safetensors_samples", "tensorflow_samples"]


def safetensors_samples() -> Iterator[Sample]:
    """Yield files of both writers, with and without metadata."""
    import numpy as np
    import safetensors.numpy
    import safetensors.torch
    import torch

    arrays = {"weight": np.ones((4, 3), dtype=np.float32), "bias": np.zeros(3), "ids": np.arange(5)}
    tensors = {"w": torch.ones(3, 2, dtype=torch.bfloat16), "b": torch.zeros(2), "empty": torch.empty(0)}
    for label, data in {
        "numpy": safetensors.numpy.save(arrays),
        "numpy-metadata": safetensors.numpy.save(arrays, metadata={"format": "np", "author": "somebody"}),
        "torch": safetensors.torch.save(tensors, metadata={"format": "pt"}),
        "one-scalar": safetensors.numpy.save({"a": np.array(1.0)}),
        "no-tensors": safetensors.numpy.save({}),
        "many": safetensors.numpy.save({f"layer.{n}.weight": np.zeros((2, n + 1)) for n in range(100)}),
    }.items():
        yield Sample("benign", "safetensors", f"{label}.safetensors", data)


def onnx_samples() -> Iterator[Sample]:
    """Yield converted models, and graphs written by onnx itself."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from skl2onnx import to_onnx
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    rng = np.random.RandomState(0)
    x = rng.rand(60, 4).astype(np.float32)
    y = np.arange(60) % 3
    for model in (
        LogisticRegression(), LinearRegression(), RandomForestClassifier(5, random_state=0), SVC(), PCA(2),
        StandardScaler(), KMeans(3, n_init=1, random_state=0), make_pipeline(StandardScaler(), LogisticRegression()),
    ):  # fmt: skip
        data = to_onnx(model.fit(x, y), x[:1]).SerializeToString()
        yield Sample("benign", "onnx", f"{type(model).__name__}.onnx", data)
    weight = numpy_helper.from_array(np.ones((4, 2), dtype=np.float32), "w")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Relu", ["m"], ["y"])]
    value = helper.make_tensor_value_info
    ends = [value("x", TensorProto.FLOAT, [None, 4])], [value("y", TensorProto.FLOAT, [None, 2])]
    graph = helper.make_graph(nodes, "graph", *ends, [weight])
    yield Sample("benign", "onnx", "by-hand.onnx", helper.make_model(graph).SerializeToString())
    external = helper.make_model(graph)
    onnx.external_data_helper.convert_model_to_external_data(
        external, location="weights.data", size_threshold=0
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        onnx.save_model(external, str(path))
        beside = {"weights.data": Path(folder, "weights.data").read_bytes()}
        yield Sample("benign", "onnx", "model.onnx", path.read_bytes(), beside)


_TEMPLATES = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}",
    "{%- set ns = namespace(found=false) -%}{%- for message in messages -%}{%- if message.role == 'system' -%}{%- set ns.found = true -%}{%- endif -%}{%- endfor -%}{%- if not ns.found -%}{{ '<|system|>\n' }}{%- endif -%}{% if tools is defined and tools is not none %}{{ tools | tojson(indent=4) }}{% endif %}{{ messages[0].content | trim | upper }}",
)


def gguf_samples() -> Iterator[Sample]:
    """Yield small files with the chat templates that are in use."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    for number, template in enumerate(_TEMPLATES):
        pairs = [
            ("general.architecture", 8, text("llama")),
            ("general.alignment", 4, struct.pack("<I", 32)),
            ("llama.context_length", 4, struct.pack("<I", 2048)),
            ("llama.rope.freq_base", 6, struct.pack("<f", 10000.0)),
            ("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, 3) + text("<s>") + text("</s>") + text("a")),
            ("tokenizer.ggml.scores", 9, struct.pack("<IQ3f", 6, 3, 0, 0, 1)),
            ("tokenizer.chat_template", 8, text(template)),
        ]
        body = b"".join(text(key) + struct.pack("<I", kind) + data for key, kind, data in pairs)
        tensor = text("token_embd.weight") + struct.pack("<IQQIQ", 2, 8, 4, 0, 0)
        head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(pairs)) + body + tensor
        padding = bytes(-len(head) % 32)
        yield Sample("benign", "gguf", f"template-{number}.gguf", head + padding + bytes(8 * 4 * 4))


def tensorflow_samples() -> Iterator[Sample]:
    """Yield SavedModels written by hand, with the operators that every saved model has."""
    from benchmarks.corpus.graph_formats import saved_model

    every = (
        "Placeholder",
        "MatMul",
        "Relu",
        "VarHandleOp",
        "ReadVariableOp",
        "AssignVariableOp",
        "NoOp",
        "Const",
    )
    saver = ("StringJoin", "ShardedFilename", "SaveV2", "MergeV2Checkpoints", "RestoreV2", "Pack", "Identity")
    for label, operators in (("served", every), ("with-a-saver", (*every, *saver))):
        beside = {"variables/variables.index": label.encode()}
        yield Sample("benign", "tensorflow", "saved_model.pb", saved_model(operators), beside)


def keras_samples() -> Iterator[Sample]:
    """Yield models of Keras 3 in its three files, whatever backend is there."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    keras.utils.set_random_seed(0)
    for label, model in _keras_models(keras).items():
        with tempfile.TemporaryDirectory() as folder:
            for extension in ("keras", "h5", "weights.h5"):
                path = Path(folder, f"model.{extension}")
                if extension == "weights.h5":
                    model.save_weights(path)
                else:
                    model.save(path)
                yield Sample("benign", "keras", f"{label}.{extension}", path.read_bytes())


def _keras_models(keras: Any) -> dict[str, Any]:
    layers = keras.layers
    dense = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(8, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(3, activation="softmax"),
        ]
    )
    dense.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    image = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    words = keras.Sequential(
        [keras.Input((6,)), layers.Embedding(20, 4), layers.LSTM(5), layers.Dense(1, activation="sigmoid")]
    )
    entry = keras.Input((4,))
    joined = layers.Concatenate()([layers.Dense(2)(entry), layers.Dense(3, kernel_regularizer="l2")(entry)])
    functional = keras.Model(entry, layers.Dense(1)(joined))
    return {"dense": dense, "convolution": image, "lstm": words, "functional": functional}
