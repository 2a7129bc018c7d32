from __future__ import annotations

import pytest

from secureload.pickles.trace import (
    GlobalRef,
    Operation,
)
from secureload.scan.finding import Severity
from secureload.scan.rules.beyond_tier import RULE_ID, check

from .cases import case


@pytest.mark.parametrize(
    ("kind", "name", "used"),
    [("call", "referred", "called"), ("new", "referred", "instantiated"), ("call", "Built", "called")],
)
def test_a_global_used_for_more_than_it_was_admitted_for_is_unknown(kind: str, name: str, used: str) -> None:
    (finding,) = check(case(Operation(kind, GlobalRef("ours", name))))  # type: ignore[arg-type]
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.UNKNOWN)
    assert finding.title.endswith(used)


@pytest.mark.parametrize(
    ("kind", "name"), [("new", "Built"), ("call", "called"), ("new", "called"), ("call", "x")]
)
def test_a_use_within_the_tier_or_of_an_unknown_name_is_silent(kind: str, name: str) -> None:
    assert list(check(case(Operation(kind, GlobalRef("ours", name))))) == []  # type: ignore[arg-type]
