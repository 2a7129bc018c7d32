from __future__ import annotations

import pytest

from secureload.pickles.trace import (
    Collection,
    Const,
    GlobalRef,
    Operation,
    Result,
)
from secureload.scan.finding import Severity
from secureload.scan.rules.handed_on import RULE_ID, check

from .cases import case

GETATTR = GlobalRef("builtins", "getattr")


@pytest.mark.parametrize("nested", [False, True])
def test_a_callable_under_a_rule_that_is_handed_on_is_dangerous(nested: bool) -> None:
    value = Collection("dict", (Collection("tuple", (Const("f", 1), GETATTR), 2),), 1) if nested else GETATTR
    (finding,) = check(case(Operation("build", Result("new", GlobalRef("ours", "Built")), (value,))))
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.DANGEROUS)


def test_a_callable_under_a_rule_among_keyword_arguments_is_dangerous() -> None:
    assert (
        len(list(check(case(Operation("call", GlobalRef("ours", "called"), (), (("key", GETATTR),)))))) == 1
    )


def test_other_globals_may_be_handed_on_and_calls_of_it_are_another_rule() -> None:
    operations = (
        Operation("call", GlobalRef("ours", "called"), (GlobalRef("ours", "referred"),)),
        Operation("call", GETATTR, (Const(1),)),
    )
    assert list(check(case(*operations))) == []
