from __future__ import annotations

from types import ModuleType

import pytest

from secureload.formats.readers import catboost_file, lightgbm_text, ubjson_file
from secureload.scan.finding import Severity
from secureload.scan.rules import boosted_trees as rule
from tests.formats.readers import test_catboost_file, test_lightgbm_text
from tests.formats.test_ubjson import MODEL

from .observing import findings

VALID = {ubjson_file: MODEL, catboost_file: test_catboost_file.VALID, lightgbm_text: test_lightgbm_text.VALID}


@pytest.mark.parametrize("reader", VALID, ids=lambda reader: reader.__name__)
def test_what_does_not_belong_to_the_model_leaves_it_undecided(reader: ModuleType) -> None:
    (finding,) = findings(rule, reader, VALID[reader] + b"PK\x03\x04\0")
    assert finding.severity is Severity.UNKNOWN
    assert findings(rule, reader, VALID[reader]) == []


def test_a_model_of_text_that_is_cut_off_is_undecided() -> None:
    (finding,) = findings(rule, lightgbm_text, test_lightgbm_text.VALID[:50])
    assert finding.severity is Severity.UNKNOWN
