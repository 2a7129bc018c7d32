from __future__ import annotations

from secureload.pickles.trace import (
    Const,
    Elided,
    GlobalRef,
    Operation,
    Result,
)
from secureload.scan.finding import Severity
from secureload.scan.rules.unfit_arguments import RULE_ID, check

from .cases import case


def test_getattr_of_something_else_than_a_listed_method_is_dangerous() -> None:
    call = Operation("call", GlobalRef("builtins", "getattr"), (GlobalRef("builtins", "x"), Const("eval", 4)))
    (finding,) = check(case(call))
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.DANGEROUS)


def test_an_argument_that_is_no_data_is_unknown() -> None:
    (finding,) = check(case(Operation("call", GlobalRef("ours", "called"), (Elided(),))))
    assert finding.severity is Severity.UNKNOWN


def test_fitting_arguments_and_unlisted_targets_are_silent() -> None:
    operations = (
        Operation("call", GlobalRef("ours", "called"), (Const(1),)),
        Operation("call", GlobalRef("ours", "unlisted"), (Elided(),)),
        Operation("build", Result("new", GlobalRef("ours", "Built")), (Elided(),)),
        Operation("call", Result("call", None), (Elided(),)),
    )
    assert list(check(case(*operations))) == []
