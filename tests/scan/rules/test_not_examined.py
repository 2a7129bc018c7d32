from __future__ import annotations

import pytest

from secureload.pickles.trace import (
    TraceProblem,
)
from secureload.scan.finding import Severity
from secureload.scan.rules.not_examined import RULE_ID, check

from .cases import case


@pytest.mark.parametrize("kind", ["malformed", "limit", "trailing", "unsupported"])
def test_every_part_that_was_not_examined_is_a_finding(kind: str) -> None:
    (finding,) = check(case(problems=(TraceProblem(kind, "the reason", 9),)))  # type: ignore[arg-type]
    assert (finding.rule_id, finding.severity, finding.location.offset) == (RULE_ID, Severity.UNKNOWN, 9)
    assert "the reason" in finding.title
    assert finding.hint


def test_an_empty_file_is_a_finding_because_nothing_was_examined() -> None:
    (finding,) = check(case(pickles=0))
    assert finding.severity is Severity.UNKNOWN


def test_a_stream_that_was_read_to_its_end_is_silent() -> None:
    assert list(check(case())) == []
    assert list(check(case(problems=(TraceProblem("extension", "x"),)))) == []
