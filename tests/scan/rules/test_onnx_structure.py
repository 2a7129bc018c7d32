from __future__ import annotations

import pytest

from secureload.formats import onnx_tensor
from secureload.formats.readers import onnx_model
from secureload.scan.finding import Severity
from secureload.scan.rules import onnx_structure as rule
from tests.formats.readers.test_onnx_model import MATMUL, VALID, graph, message, model, tensor

from .observing import findings, graded_codes, observed_codes


@pytest.mark.parametrize(
    "data",
    [
        model(graph(initializers=(tensor(1 << 50),))),
        model(graph(initializers=(tensor(-7),))),
        model(graph(initializers=(tensor(1, data=b"a", dtype=77),))),
        model(MATMUL, (7, MATMUL)),
    ],
)
def test_what_does_not_fit_leaves_it_undecided(data: bytes) -> None:
    (finding,) = findings(rule, onnx_model, data)
    assert finding.severity is Severity.UNKNOWN


def test_a_field_of_a_newer_converter_is_only_told() -> None:
    (finding,) = findings(rule, onnx_model, VALID + message((77, 1)))
    assert finding.severity is Severity.NOTE


def test_an_ordinary_model_is_silent() -> None:
    assert findings(rule, onnx_model, VALID) == []


def test_every_code_of_the_reader_is_graded() -> None:
    codes = observed_codes(onnx_model, "onnx") | observed_codes(onnx_tensor, "onnx")
    assert len(codes) >= 12
    assert codes <= graded_codes()
