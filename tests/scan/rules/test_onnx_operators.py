from __future__ import annotations

import pytest

from secureload.formats.readers import onnx_model
from secureload.scan.finding import Severity
from secureload.scan.rules import onnx_operators as rule
from tests.formats.readers.test_onnx_model import MATMUL, VALID, graph, message, model, node

from .observing import findings


@pytest.mark.parametrize(
    ("data", "severity"),
    [
        (model(graph(node("PyOp"))), Severity.DANGEROUS),
        (model(graph(node("PythonOp", "com.microsoft"))), Severity.DANGEROUS),
        (model(graph(node("Tokenizer", "ai.onnx.contrib"))), Severity.UNKNOWN),
        (model(graph(node("EPContext", "com.microsoft"))), Severity.UNKNOWN),
        (model(MATMUL, (14, message((1, "ort_config"), (2, "{}")))), Severity.NOTE),
    ],
)
def test_an_operator_that_is_code_is_graded(data: bytes, severity: Severity) -> None:
    (finding,) = findings(rule, onnx_model, data)
    assert finding.severity is severity


def test_operators_of_the_runtime_are_silent() -> None:
    assert findings(rule, onnx_model, VALID) == []
    assert findings(rule, onnx_model, model(graph(node("TreeEnsembleClassifier", "ai.onnx.ml")))) == []
