from __future__ import annotations

import pytest

from secureload.pickles.trace import (
    TraceProblem,
)
from secureload.scan.finding import Severity
from secureload.scan.rules.extension_registry import RULE_ID, check

from .cases import case


def test_an_extension_opcode_is_dangerous_because_nobody_can_say_what_it_is() -> None:
    (finding,) = check(case(problems=(TraceProblem("extension", "an EXT opcode", 7),)))
    assert (finding.rule_id, finding.severity, finding.location.offset) == (RULE_ID, Severity.DANGEROUS, 7)


@pytest.mark.parametrize("kind", ["malformed", "limit", "trailing", "unsupported"])
def test_problems_of_other_kinds_are_silent_here(kind: str) -> None:
    assert list(check(case(problems=(TraceProblem(kind, "x"),)))) == []  # type: ignore[arg-type]
