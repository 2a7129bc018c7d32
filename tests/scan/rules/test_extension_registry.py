from __future__ import annotations

import pytest

from secureload.pickles.trace import (
    TraceProblem,
)
from secureload.scan.finding import Severity
from secureload.scan.rules.extension_registry import RULE_ID, check

from .cases import case


def test_an_extension_opcode_is_dangerous_because_nobody_can_say_what_it_is() -> None:
    (finding,) = check(case(problems=(TraceProblem("extension", "an EXT opcode", 7),), protocol=2))
    assert (finding.rule_id, finding.severity, finding.location.offset) == (RULE_ID, Severity.DANGEROUS, 7)


def test_random_bytes_that_hit_upon_the_opcode_are_undecided_and_not_accused() -> None:
    (finding,) = check(case(problems=(TraceProblem("extension", "an EXT opcode", 0),), protocol=0))
    assert finding.severity is Severity.UNKNOWN


@pytest.mark.parametrize("kind", ["malformed", "limit", "trailing", "unsupported"])
def test_problems_of_other_kinds_are_silent_here(kind: str) -> None:
    assert list(check(case(problems=(TraceProblem(kind, "x"),)))) == []  # type: ignore[arg-type]
