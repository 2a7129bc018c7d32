"""What Keras would import, run and read for a configuration; each public way around its safe mode by number."""

from __future__ import annotations

import base64
import json
import marshal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.formats.keras_config import walk_config
from secureload.formats.reading import Child, Event, Observation, Problem, ReadContext, Reference
from secureload.formats.region import Region
from secureload.limits import Limits


def walked(value: object, **limits: Any) -> list[Event]:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return list(walk_config(text, ReadContext(limits=Limits(**limits))))


def codes(value: object) -> list[str]:
    return [event.code for event in walked(value) if isinstance(event, Observation)]


def names(value: object) -> list[tuple[str, str, str]]:
    return [(event.module, event.name, event.use) for event in walked(value) if isinstance(event, Reference)]


def layer(module: str | None, name: str, registered: str | None = None, **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config, "registered_name": registered}


def code_of(function: Any) -> str:
    """As Keras writes a function: its code object marshalled, in base 64 with line breaks."""
    return base64.encodebytes(marshal.dumps(function.__code__)).decode()


def greet(x: Any) -> Any:
    print("a canary that only sings")
    return x


CODE = code_of(greet)


def test_layers_and_what_they_are_made_with_are_named() -> None:
    dense = layer(
        "keras.layers", "Dense", kernel_initializer=layer("keras.initializers", "Zeros"), activation="relu"
    )
    model = layer("keras", "Sequential", layers=[dense])
    assert names(model) == [
        ("keras", "Sequential", "new"),
        ("keras.layers", "Dense", "new"),
        ("keras.initializers", "Zeros", "new"),
    ]
    assert codes(model) == []


def test_keras_2_gives_no_module() -> None:
    assert names({"class_name": "Dense", "config": {"units": 1}}) == [("keras", "Dense", "new")]


def test_values_are_no_classes() -> None:
    values = [
        {"class_name": name, "config": {}}
        for name in ("__tensor__", "__numpy__", "__slice__", "__keras_tensor__")
    ]
    assert walked(values) == []


def test_a_custom_class_is_named_by_its_package() -> None:
    assert names(layer(None, "My", "mine>My")) == [("mine", "My", "new")]
    assert names(layer(None, "Custom>Adam")) == [("Custom", "Adam", "new")]
    assert names(
        {"class_name": "function", "module": "builtins", "config": "mine>act", "registered_name": "function"}
    ) == [("mine", "act", "import")]


def test_cve_2025_1550_any_function_of_any_module() -> None:
    trap = {"class_name": "function", "module": "os", "config": "system", "registered_name": "system"}
    assert names(layer("keras.layers", "Dense", activation=trap)) == [
        ("keras.layers", "Dense", "new"), ("os", "system", "import")
    ]  # fmt: skip
    assert ("subprocess", "Popen", "new") in names(
        layer("subprocess", "Popen", "Popen", args=["echo", "hello"])
    )
    # Some releases take the registered name where the module has no such class.
    assert ("os", "system", "import") in names(layer("os", "nothing", "system"))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("keras.utils", "get_file"),
        ("keras.config", "enable_unsafe_deserialization"),
        ("keras.models", "load_model"),
    ],
)
def test_cve_2025_8747_and_9906_functions_of_keras_that_are_no_part_of_a_model(
    module: str, name: str
) -> None:
    trap = {"class_name": "function", "module": module, "config": name, "registered_name": name}
    assert codes(trap) == ["keras.no-part"]


def test_cve_2024_3660_a_lambda_layer_with_code_shows_the_texts_in_it() -> None:
    function = {"class_name": "__lambda__", "config": {"code": CODE, "defaults": None, "closure": None}}
    events = walked(layer("keras.layers", "Lambda", function=function))
    found = {event.code: event.detail for event in events if isinstance(event, Observation)}
    assert set(found) == {"keras.lambda", "keras.code"}
    assert "a canary that only sings" in found["keras.code"]
    assert "print" in found["keras.code"]


def test_cve_2025_9905_the_lambda_layer_of_keras_2() -> None:
    old = {
        "class_name": "Lambda",
        "config": {"function": [CODE, None, None], "function_type": "lambda", "module": "m"},
    }
    assert set(codes(old)) == {"keras.lambda", "keras.code"}


def test_code_is_found_wherever_it_stands() -> None:
    assert codes({"notes": ["nothing", {"x": CODE}]}) == ["keras.code"]
    assert (
        codes({"notes": ["4wAAAnothing that is base 64 at all", base64.b64encode(b"4" * 40).decode()]}) == []
    )


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "https://example.org/x", "gs://bucket/x", "../x", "~/x", "C:\\x", "file:///x"]
)
def test_cve_2025_12058_a_vocabulary_from_elsewhere(path: str) -> None:
    assert codes(layer("keras.layers", "StringLookup", vocabulary=path)) == ["keras.path-outside"]


def test_a_vocabulary_that_is_a_file_or_a_list() -> None:
    assert codes(layer("keras.layers", "StringLookup", vocabulary="words.txt")) == ["keras.path"]
    assert codes(layer("keras.layers", "StringLookup", vocabulary=["a", "b"])) == []
    assert codes(layer("keras.layers", "StringLookup", vocabulary=None)) == []


def test_cve_2025_49655_a_module_of_pytorch_is_handed_on() -> None:
    packed = base64.b64encode(b"\x80\x04N.").decode()
    events = walked(
        {"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {"module": packed}}
    )
    (child,) = [event for event in events if isinstance(event, Child)]
    assert isinstance(child.data, Region)
    assert child.data.read_at(0, 9) == b"\x80\x04N."
    assert "keras.loads-code" in [event.code for event in events if isinstance(event, Observation)]


@pytest.mark.parametrize("name", ["TFSMLayer", "JaxLayer", "FlaxLayer", "TensorFlowOpLayer"])
def test_layers_that_load_code_by_themselves(name: str) -> None:
    assert "keras.loads-code" in codes(layer("keras.layers", name))


@pytest.mark.parametrize(
    "function", ["io.read_file", "io.write_file", "py_function", "raw_ops.WriteFile", None]
)
def test_functions_of_tensorflow_that_reach_outside(function: object) -> None:
    assert codes({"class_name": "TFOpLambda", "config": {"function": function}}) == [
        "keras.tensorflow-function"
    ]


@pytest.mark.parametrize(
    "function", ["math.multiply", "__operators__.add", "nn.relu6", "cast", "image.resize"]
)
def test_functions_of_tensorflow_that_compute(function: str) -> None:
    assert codes({"class_name": "TFOpLambda", "config": {"function": function}}) == []


def test_the_type_of_a_tensor_is_named() -> None:
    spec = {
        "class_name": "__typespec__",
        "spec_name": "TensorSpec",
        "module": "os",
        "config": [],
        "registered_name": None,
    }
    assert names(spec) == [("os", "TensorSpec", "new")]


def test_objects_without_plain_names_and_repeated_keys() -> None:
    assert codes({"class_name": ["a"], "config": {}}) == ["keras.odd-object"]
    assert codes({"class_name": "function", "config": {"a": 1}, "module": "m"}) == ["keras.odd-object"]
    assert codes(b'{"class_name": "Dense", "class_name": "Lambda"}') == ["keras.repeated-key", "keras.lambda"]


def test_what_cannot_be_read_is_a_problem() -> None:
    assert [event.kind for event in walked(b"{]") if isinstance(event, Problem)] == ["malformed"]
    assert [event.kind for event in walked([[1]], json_text_bytes=2) if isinstance(event, Problem)] == [
        "limit"
    ]


KEYS = ["class_name", "module", "config", "registered_name", "vocabulary", "function", "spec_name", "x"]
KINDS = ["function", "__lambda__", "Lambda", "TFOpLambda", "__typespec__", "TorchModuleWrapper"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(CODE),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS), inner | st.sampled_from(KINDS), max_size=6)
    ),
    max_leaves=20,
)


@given(JSON)
@settings(deadline=None)
def test_any_json_gives_events(value: object) -> None:
    for event in walked(value):
        assert isinstance(event, Child | Observation | Reference)


@given(st.binary(max_size=200))
def test_any_bytes_give_events(data: bytes) -> None:
    walked(data)
