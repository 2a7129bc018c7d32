from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.readers import tflite_model
from secureload.limits import Limits
from tests.formats.feeding import codes, feed, mutated, observation, problems
from tests.formats.flat import model

VALID = model("TFLite_Detection_PostProcess", "FlexStringJoin")


def test_a_model_with_operators_of_its_runtime_has_nothing_to_say() -> None:
    assert feed(tflite_model, VALID) == []
    assert feed(tflite_model, model()) == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("FlexWriteFile", "writes-files"),
        ("FlexReadFile", "reads-files"),
        ("FlexPyFunc", "python-operator"),
        ("FlexUnheardOf", "custom-operators"),
        ("MyOperator", "custom-operators"),
        ("WriteFile", "custom-operators"),
    ],
)
def test_an_operator_that_is_code_is_named(name: str, code: str) -> None:
    assert name in observation(feed(tflite_model, model("Mfcc", name, name)), f"tensorflow.{code}").message


def test_what_is_no_model_is_a_problem() -> None:
    assert problems(feed(tflite_model, b"")) == ["this is no model of TensorFlow Lite"]
    assert problems(feed(tflite_model, struct.pack("<I4s", 1 << 31, b"TFL3")))
    assert problems(feed(tflite_model, VALID[:40]))
    assert (
        "structure_items" in problems(feed(tflite_model, model(*"abc"), limits=Limits(structure_items=2)))[0]
    )


@given(st.binary(max_size=80).map(lambda tail: VALID[:16] + tail) | mutated(VALID))
def test_any_bytes_give_events_or_an_error_of_ours(data: bytes) -> None:
    assert all(code.startswith("tensorflow.") for code in codes(feed(tflite_model, data)))
