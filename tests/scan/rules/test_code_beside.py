from __future__ import annotations

import pytest

from secureload.formats.readers import json_file, text_file
from secureload.scan.finding import Severity
from secureload.scan.rules import code_beside as rule

from .observing import case_of, findings, graded_codes, observed_codes


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        (b'{"auto_map": {"AutoModel": "modeling_x.XModel"}}', Severity.UNKNOWN),
        (b'[{"path": "", "type": "evil.Module"}]', Severity.UNKNOWN),
        (b'{"a": 1, "a": 2}', Severity.NOTE),
    ],
)
def test_what_a_configuration_names_is_graded(text: bytes, severity: Severity) -> None:
    (finding,) = findings(rule, json_file, text)
    assert finding.severity is severity


def test_a_python_file_is_only_told_and_a_document_with_entities_undecided() -> None:
    (finding,) = rule.check(case_of(text_file, b"import os\n", "model.py"))
    assert finding.severity is Severity.NOTE
    (finding,) = rule.check(case_of(text_file, b"<!DOCTYPE x [<!ENTITY y SYSTEM 'z'>]>", "model.pmml"))
    assert finding.severity is Severity.UNKNOWN


def test_ordinary_text_is_silent() -> None:
    assert findings(rule, json_file, b'{"hidden_size": 768}') == []
    assert findings(rule, text_file, b"scikit-learn==1.5\n") == []


def test_every_code_of_the_readers_is_graded() -> None:
    codes = observed_codes(json_file, "json") | {"text.program", "text.entity"}
    assert len(codes) >= 6
    assert codes <= graded_codes()
