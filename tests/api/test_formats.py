"""Each format of a model through the whole of `check`: what honest programs write is accepted, an attack is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from secureload.api.check import check
from secureload.policy.verdict import Outcome
from tests.formats.flat import model as tflite
from tests.formats.hdf5.vectors import DENSE
from tests.formats.readers import (
    test_catboost_file,
    test_gguf_file,
    test_hdf5_file,
    test_lightgbm_text,
    test_onnx_model,
    test_safetensors_file,
    test_tensorflow_model,
    test_tf_checkpoint,
    test_tflite_model,
)
from tests.formats.test_chat_template import CHATML, ESCAPES
from tests.formats.test_ubjson import MODEL, encoded

SYSTEM = "cos\nsystem\n(S'echo hello'\ntR."
ESCAPE = ESCAPES["CVE-2024-34359"]

HONEST: dict[str, bytes] = {
    "model.safetensors": test_safetensors_file.VALID,
    "model.safetensors.index.json": json.dumps({"weight_map": {"a": "model-1.safetensors"}}).encode(),
    "model.onnx": test_onnx_model.VALID,
    "model.gguf": test_gguf_file.VALID,
    "table.h5": test_hdf5_file.VALID,
    "saved_model.pb": test_tensorflow_model.VALID,
    "frozen.pb": test_tensorflow_model.MATMUL,
    "variables.index": test_tf_checkpoint.VALID,
    "variables.data-00000-of-00001": b"\x00\x01\xff\xfe" * 30,
    "model.tflite": test_tflite_model.VALID,
    "model.ubj": MODEL,
    "model.cbm": test_catboost_file.VALID,
    "model.txt": test_lightgbm_text.VALID,
    "booster.json": json.dumps({"learner": {"attributes": {}}, "version": [3, 2, 0]}).encode(),
    "tokenizer_config.json": json.dumps({"chat_template": CHATML}).encode(),
    "chat_template.jinja": CHATML.encode(),
    "modeling.py": b'"""A module."""\n\nimport os\n' + b"# a comment\n" * 600,
    "requirements.txt": b"scikit-learn==1.5\nnumpy\n",
}
# Name → bytes, and the rule that rejects them.
HOSTILE: dict[str, tuple[bytes, str]] = {
    "polyglot.safetensors": (test_safetensors_file.VALID + b"PK\x03\x04", "SL441"),
    "twice.safetensors": (test_safetensors_file.encoded(b'{"a":{},"a":{}}'), "SL441"),
    "shards.index.json": (b'{"weight_map": {"a": "/etc/passwd"}}', "SL443"),
    "outside.onnx": (
        test_onnx_model.model(
            test_onnx_model.graph(initializers=(test_onnx_model.tensor(2, external={"location": "../x"}),))
        ),
        "SL451",
    ),
    "python.onnx": (test_onnx_model.model(test_onnx_model.graph(test_onnx_model.node("PyOp"))), "SL452"),
    "dense.h5": (DENSE, "SL465"),
    "table.h5": (test_hdf5_file.with_root(test_hdf5_file.text("info", SYSTEM.encode())), "SL101"),
    "saved_model.pb": (
        test_tensorflow_model.saved_model(
            test_tensorflow_model.graph(test_tensorflow_model.node("WriteFile"))
        ),
        "SL471",
    ),
    "model.tflite": (tflite("FlexReadFile"), "SL471"),
    "model.gguf": (test_gguf_file.model().string("tokenizer.chat_template.x", ESCAPE).encoded(), "SL481"),
    "doubled.gguf": (test_gguf_file.model().string("general.architecture", "x").encoded(), "SL482"),
    "tokenizer_config.json": (json.dumps({"chat_template": ESCAPE}).encode(), "SL481"),
    "chat_template.jinja": (ESCAPE.encode(), "SL481"),
    "model.ubj": (encoded({"learner": {"attributes": {"evil": SYSTEM}}}), "SL101"),
}


@pytest.mark.parametrize("name", HONEST)
def test_what_honest_programs_write_is_accepted(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(HONEST[name])
    found = check(tmp_path / name)
    assert found.verdict.outcome is Outcome.ACCEPTED
    assert {finding.severity.value for finding in found.examination.findings} <= {"note"}
    assert found.examination.coverage.bytes_examined == len(HONEST[name])


@pytest.mark.parametrize("name", HOSTILE)
def test_an_attack_is_rejected_by_the_rule_that_explains_it(tmp_path: Path, name: str) -> None:
    data, rule = HOSTILE[name]
    (tmp_path / name).write_bytes(data)
    found = check(tmp_path / name)
    assert found.verdict.outcome is Outcome.REJECTED
    assert rule in {finding.rule_id for finding in found.examination.findings}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_attack_cut_off_in_the_middle_is_not_accepted_unless_nothing_of_it_is_left(
    tmp_path: Path, name: str
) -> None:
    """Half of a text may be a harmless text; half of a binary model is never whole."""
    data, _ = HOSTILE[name]
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    outcome = check(tmp_path / name).verdict.outcome
    assert outcome is not Outcome.ACCEPTED or name.endswith((".json", ".jinja"))
