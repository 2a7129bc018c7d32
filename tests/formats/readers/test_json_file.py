from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.readers import json_file
from secureload.formats.reading import Event, Identified, Reference, Versions
from secureload.limits import Limits
from tests.formats.feeding import codes, feed, mutated, observation, problems
from tests.formats.test_chat_template import CHATML, ESCAPES

ESCAPE = ESCAPES["CVE-2024-34359"]


def read(value: Any, **limits: int) -> list[Event]:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return feed(json_file, data, limits=Limits(**limits))


ORDINARY: dict[str, Any] = {
    "a configuration": {"architectures": ["LlamaForCausalLM"], "torch_dtype": "bfloat16", "auto_map": None},
    "a tokenizer": {"chat_template": CHATML, "added_tokens_decoder": {"0": {"content": "<unk>"}}},
    "several templates": {"chat_template": [{"name": "default", "template": CHATML}, {"name": "rag"}]},
    "an index": {"metadata": {"total_size": 9}, "weight_map": {"a": "model-00001-of-00002.safetensors"}},
    "modules": [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}],
    "a pipeline": {
        "_class_name": "StableDiffusionPipeline",
        "unet": ["diffusers", "UNet2D"],
        "x": [None, None],
    },
    "numbers": [1, 2.5, None],
    "a text": "text",
}


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_file_has_nothing_to_say(name: str) -> None:
    assert read(ORDINARY[name]) == []


@pytest.mark.parametrize(
    "data", [b'{"a": 1}\n{"a": 2}\n', b"{% if x %}", b"{", b"[section]\nkey = 1\n", b"\xff{"]
)
def test_text_that_is_no_json_is_data(data: bytes) -> None:
    assert read(data) == []


@pytest.mark.parametrize(
    "value",
    [
        {"auto_map": {"AutoModel": "modeling_x.XModel"}},
        {"auto_map": {"AutoModel": "user/repository--modeling_x.XModel"}},
        {"custom_pipelines": {"x": {"impl": "x.X"}}},
        {"trust_remote_code": True},
        {"_class_name": ["pipeline", "MyPipeline"]},
    ],
)
def test_a_configuration_that_names_code_says_which(value: Any) -> None:
    assert codes(read(value)) == {"json.remote-code"}


def test_the_code_is_shown() -> None:
    found = observation(read({"auto_map": {"AutoModel": "user/repo--m.X"}}), "json.remote-code")
    assert "user/repo--m.X" in found.detail


@pytest.mark.parametrize(
    "value",
    [
        {"chat_template": ESCAPE},
        {"chat_template": [{"name": "x", "template": CHATML}, {"name": "y", "template": ESCAPE}]},
        {"chat_template": {"y": ESCAPE}},
    ],
)
def test_a_chat_template_with_a_way_out_is_found(value: Any) -> None:
    assert codes(read(value)) == {"template.escape"}


def test_a_byte_order_mark_hides_nothing() -> None:
    assert codes(read(b"\xef\xbb\xbf" + json.dumps({"chat_template": ESCAPE}).encode())) == {
        "template.escape"
    }


@pytest.mark.parametrize("name", ["/etc/passwd", "../other/model.bin", "https://example.org/x"])
def test_a_shard_outside_the_folder_is_found(name: str) -> None:
    index = {"weight_map": {"a": "model-1.safetensors", "b": name, "c": name}}
    assert observation(read(index), "json.shard-outside").detail == name


def test_classes_of_other_libraries_are_named() -> None:
    module = [{"idx": 0, "name": "0", "path": "", "type": "evil.module.Class"}]
    assert observation(read(module), "json.names-class").detail == "evil.module.Class"
    pipeline = {"_class_name": "X", "unet": ["my_module", "Net"]}
    assert observation(read(pipeline), "json.names-class").detail == "my_module"


def test_models_of_keras_and_tensorflow_js_are_walked() -> None:
    layers = {"class_name": "Sequential", "config": [{"class_name": "Lambda", "config": {"function": "f"}}]}
    assert codes(read(layers)) == {"keras.lambda"}
    assert codes(read({"modelTopology": {"model_config": layers}, "weightsManifest": []})) == {"keras.lambda"}
    dense = {"class_name": "Dense", "config": {"units": 3}}
    assert [event.name for event in read(dense) if isinstance(event, Reference)] == ["Dense"]


def test_a_model_of_xgboost_says_so_and_which_version_wrote_it() -> None:
    assert read({"learner": {}, "version": [3, 2, 0]}) == [
        Identified(format="xgboost", loader="xgboost.Booster.load_model"),
        Versions(library="xgboost", version="3.2.0"),
    ]


def test_a_key_that_stands_twice_is_told() -> None:
    assert codes(read(b'{"auto_map": null, "auto_map": null}')) == {"json.repeated-key"}


def test_limits_are_problems_with_their_names() -> None:
    assert "json_text_bytes" in problems(read({"a": "x" * 50}, json_text_bytes=20))[0]
    assert "json_text_depth" in problems(read(b"[" * 500 + b"]" * 500))[0]


SEED = json.dumps(
    {**ORDINARY["a tokenizer"], **ORDINARY["an index"], "auto_map": {"a": "b.C"}, "class_name": "x"}
)


@given(st.binary(max_size=60) | mutated(SEED.encode()))
def test_any_bytes_give_events_or_an_error_of_ours(data: bytes) -> None:
    read(data)
