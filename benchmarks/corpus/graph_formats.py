"""Hostile files of the formats that are data to most eyes: ONNX, GGUF, TensorFlow's graphs, safetensors."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator

from benchmarks.corpus.expression import encode
from benchmarks.corpus.gadgets import PAYLOADS
from benchmarks.corpus.sample import Sample

__all__ = ["graph_samples", "saved_model"]


def graph_samples() -> Iterator[Sample]:
    """Yield the files of each format."""
    for part in (_onnx, _gguf, _graphs, _safetensors):
        yield from part()


def field(number: int, value: bytes | str | int) -> bytes:
    """Return one field of a protocol buffer: a varint, or bytes with their length."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _onnx() -> Iterator[Sample]:
    def model(graph: bytes, *more: bytes) -> bytes:
        opset = field(1, "") + field(2, 17)
        return (
            field(1, 8)
            + field(2, "canary")
            + field(7, field(2, "graph") + graph)
            + field(8, opset)
            + b"".join(more)
        )

    def entry(key: str, value: str) -> bytes:
        return field(13, field(1, key) + field(2, value))

    def external(location: str, *more: bytes) -> bytes:
        tensor = (
            field(1, 4)
            + field(2, 1)
            + field(8, "w")
            + entry("location", location)
            + b"".join(more)
            + field(14, 1)
        )
        return field(5, tensor)

    def node(operator: str, domain: str = "") -> bytes:
        return field(1, field(1, "x") + field(2, "y") + field(3, "n") + field(4, operator) + field(7, domain))

    for location in (
        "/etc/passwd",
        "../../../../etc/passwd",
        "..\\..\\secret",
        "C:\\secret",
        "a/../../secret",
        "file:///etc/passwd",
        "//example.invalid/share",
        "\\\\example.invalid\\share",
    ):
        slug = "".join(char if char.isalnum() else "-" for char in location).strip("-")
        yield Sample("malicious", "onnx", f"external-{slug}.onnx", model(external(location)))
    inner = field(
        1,
        field(1, "x")
        + field(2, "y")
        + field(4, "If")
        + field(5, field(1, "then_branch") + field(6, external("/etc/passwd")) + field(20, 5)),
    )
    yield Sample("malicious", "onnx", "external-in-subgraph.onnx", model(inner))
    for operator, domain in (("PythonOp", "com.microsoft"), ("PyOp", "ai.onnx.contrib")):  # fmt: skip
        imported = field(8, field(1, domain) + field(2, 1))
        yield Sample(
            "malicious", "onnx", f"operator-{operator}.onnx", model(node(operator, domain), imported)
        )
    pickle = encode(PAYLOADS["os-system"])
    yield Sample("malicious", "onnx", "pickle-behind.onnx", model(node("Relu")) + pickle)


_TEMPLATES = (
    "{{ cycler.__init__.__globals__.os.popen('echo hello').read() }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{% for c in [].__class__.__base__.__subclasses__() %}{{ c }}{% endfor %}",
    "{{ self._TemplateReference__context.cycler.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'].popen('echo hello').read() }}",
    "{{ x|attr('__class__')|attr('__base__') }}",
    "{{ request['application']['\\x5f\\x5fglobals\\x5f\\x5f'] }}",
    "{% set a = '__cla' ~ 'ss__' %}{{ ''[a] }}",
    "{{ namespace.__init__.__globals__.__builtins__.eval('1 + 1') }}",
    "{%- if messages %}{{ joiner.__init__.__globals__.os.system('echo hello') }}{%- endif %}",
)


def _gguf() -> Iterator[Sample]:
    for number, template in enumerate(_TEMPLATES):
        for key in ("tokenizer.chat_template", "tokenizer.chat_template.tool_use"):
            yield Sample("malicious", "gguf", f"template-{number}.gguf", _gguf_of({key: template}))
    pickle = encode(PAYLOADS["os-system"])
    yield Sample("malicious", "gguf", "pickle-behind.gguf", _gguf_of({"general.name": "model"}) + pickle)


def _gguf_of(texts: dict[str, str]) -> bytes:
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    pairs = {"general.architecture": "llama", **texts}
    body = b"".join(text(key) + struct.pack("<I", 8) + text(value) for key, value in pairs.items())
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + body


def _graphs() -> Iterator[Sample]:
    def node(operator: str) -> bytes:
        return field(1, f"node_{operator}") + field(2, operator)

    honest = field(1, node("Placeholder")) + field(1, node("MatMul"))
    for operator in (
        "PyFunc",
        "PyFuncStateless",
        "EagerPyFunc",
        "ReadFile",
        "WriteFile",
        "MatchingFiles",
        "ImmutableConst",
        "DebugIdentityV2",
    ):
        graph = honest + field(1, node(operator))
        yield Sample(
            "malicious", "savedmodel", "saved_model.pb", _saved(graph), {"variables/variables.index": b""}
        )
        function = field(2, field(1, field(1, field(1, "call")) + field(3, node(operator))))
        yield Sample(
            "malicious",
            "savedmodel",
            "saved_model.pb",
            _saved(honest + function),
            {"assets/vocabulary": b"a\n"},
        )
        if operator in ("PyFunc", "ReadFile", "WriteFile", "EagerPyFunc"):
            yield Sample("malicious", "savedmodel", f"frozen-{operator}.pb", graph)


def saved_model(operators: Iterable[str]) -> bytes:
    """Return a SavedModel whose graph has a node of each operator."""
    nodes = (field(1, f"node_{name}") + field(2, name) for name in operators)
    return _saved(b"".join(field(1, node) for node in nodes))


def _saved(graph: bytes) -> bytes:
    info = field(1, field(4, "serve") + field(5, "2.15.0"))
    return field(1, 1) + field(2, info + field(2, graph))


def _safetensors() -> Iterator[Sample]:
    def file(header: str | dict[str, object], data: bytes, *, length: int | None = None) -> bytes:
        text = (header if isinstance(header, str) else json.dumps(header)).encode()
        return struct.pack("<Q", len(text) if length is None else length) + text + data

    pickle = encode(PAYLOADS["os-system"])
    tensor = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    yield Sample(
        "malicious", "safetensors", "pickle-behind.safetensors", file({"w": tensor}, bytes(8) + pickle)
    )
    yield Sample(
        "malicious", "safetensors", "zip-behind.safetensors", file({"w": tensor}, bytes(8) + _zip(pickle))
    )
    overlap = {"w": tensor, "v": {**tensor, "data_offsets": [4, 12]}}
    yield Sample("malicious", "safetensors", "overlap.safetensors", file(overlap, bytes(12)))
    twice = '{"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "w": {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]}}'
    yield Sample("malicious", "safetensors", "duplicate-key.safetensors", file(twice, bytes(12)))
    gap = {"w": {**tensor, "data_offsets": [len(pickle), len(pickle) + 8]}}
    yield Sample("malicious", "safetensors", "pickle-in-gap.safetensors", file(gap, pickle + bytes(8)))


def _zip(data: bytes) -> bytes:
    from benchmarks.corpus.wrappers import zip_of

    return zip_of({"data.pkl": data})
