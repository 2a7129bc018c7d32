from __future__ import annotations

from secureload.formats.readers import tensorflow_model
from secureload.scan.finding import Severity
from secureload.scan.rules import tensorflow_structure as rule
from tests.formats.readers.test_tensorflow_model import VALID
from tests.formats.wire import message

from .observing import findings


def test_a_field_of_a_newer_version_is_only_told() -> None:
    (finding,) = findings(rule, tensorflow_model, VALID + message((77, 1)))
    assert finding.severity is Severity.NOTE


def test_an_ordinary_model_is_silent() -> None:
    assert findings(rule, tensorflow_model, VALID) == []
