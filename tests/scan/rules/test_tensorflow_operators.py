from __future__ import annotations

import pytest

from secureload.formats.readers import tensorflow_model
from secureload.formats.tensorflow_ops import OUTSIDE
from secureload.scan.finding import Severity
from secureload.scan.rules import tensorflow_operators as rule
from tests.formats.readers.test_tensorflow_model import VALID, constant, graph, node, saved_model

from .observing import findings, graded_codes, observed_codes


@pytest.mark.parametrize(
    ("data", "severity"),
    [
        (saved_model(graph(node("PyFunc"))), Severity.DANGEROUS),
        (saved_model(graph(node("ReadFile"))), Severity.DANGEROUS),
        (saved_model(graph(node("WriteFile"))), Severity.DANGEROUS),
        (saved_model(graph(node("RpcClient"))), Severity.DANGEROUS),
        (graph(constant("c", "../x"), node("SaveV2", "s", "c")), Severity.DANGEROUS),
        (graph(node("TFRecordDataset")), Severity.UNKNOWN),
        (graph(node("CacheDataset")), Severity.UNKNOWN),
        (graph(node("XlaCustomCall")), Severity.UNKNOWN),
        (graph(node("MyOp")), Severity.UNKNOWN),
    ],
)
def test_an_operator_that_does_more_than_compute_is_graded(data: bytes, severity: Severity) -> None:
    (finding,) = findings(rule, tensorflow_model, data)
    assert finding.severity is severity


def test_an_ordinary_model_is_silent() -> None:
    assert findings(rule, tensorflow_model, VALID) == []


def test_every_code_of_the_reader_is_graded() -> None:
    codes = observed_codes(tensorflow_model, "tensorflow") | {
        f"tensorflow.{code}" for code in OUTSIDE.values()
    }
    assert len(codes) >= 7
    assert codes <= graded_codes()
