from __future__ import annotations

import pytest

from secureload.formats.readers import onnx_model
from secureload.scan.finding import Severity
from secureload.scan.rules import onnx_external_files as rule
from tests.formats.readers.test_onnx_model import VALID, graph, model, tensor

from .observing import findings


def with_weights_at(path: str, **place: str) -> bytes:
    return model(graph(initializers=(tensor(2, external={"location": path, **place}),)))


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "a\\..\\..\\b", "C:\\x", "w\0.bin", "*/_ORT_MEM_ADDR_/*"]
)
def test_weights_from_outside_the_folder_are_dangerous(path: str) -> None:
    (finding,) = findings(rule, onnx_model, with_weights_at(path))
    assert finding.severity is Severity.DANGEROUS


def test_weights_beside_the_model_are_told() -> None:
    (finding,) = findings(rule, onnx_model, with_weights_at("model.onnx.data", offset="0", length="8"))
    assert finding.severity is Severity.NOTE


def test_a_place_that_is_no_number_leaves_it_undecided() -> None:
    severities = {
        finding.severity for finding in findings(rule, onnx_model, with_weights_at("a", offset="-8"))
    }
    assert severities == {Severity.NOTE, Severity.UNKNOWN}


def test_a_model_with_its_weights_is_silent() -> None:
    assert findings(rule, onnx_model, VALID) == []
