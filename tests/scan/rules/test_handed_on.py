from __future__ import annotations

from dataclasses import replace

import pytest

from secureload.pickles.trace import (
    Collection,
    Const,
    GlobalRef,
    Operation,
    Result,
)
from secureload.scan.allowlist import load_default
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


@pytest.mark.parametrize(
    ("cls", "receiver"),
    [
        (GlobalRef("zoneinfo", "ZoneInfo"), GETATTR),
        (
            GlobalRef("dateutil.tz._tzfile", "tzfile"),
            GlobalRef("dateutil.tz._tzfile", "_unpickle"),
        ),
    ],
)
def test_a_class_of_zones_is_handed_to_what_restores_its_instances_and_to_nobody_else(
    cls: GlobalRef, receiver: GlobalRef
) -> None:
    restored = Operation("call", receiver, (cls, Const("UTC", 3)))
    state = Operation("build", Result("new", GlobalRef("ours", "Built")), (cls,))
    given = Operation("call", GlobalRef("ours", "called"), (cls,))
    shipped = load_default()
    assert list(check(replace(case(restored), allow=shipped))) == []
    for operation in (state, given):
        (finding,) = check(replace(case(operation), allow=shipped))
        assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.UNKNOWN)
