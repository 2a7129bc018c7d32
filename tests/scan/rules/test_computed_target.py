from __future__ import annotations

import pytest

from secureload.pickles.trace import (
    Const,
    Elided,
    GlobalRef,
    Operation,
    Result,
)
from secureload.scan.finding import Severity
from secureload.scan.rules.computed_target import RULE_ID, check

from .cases import case


@pytest.mark.parametrize("kind", ["call", "new"])
@pytest.mark.parametrize(
    "target",
    [
        Result("call", GlobalRef("ours", "called")),
        Result("call", None),
        Result("attribute", GlobalRef("ours", "Built.method")),
        Result("attribute", GlobalRef("builtins", "object.__subclasses__")),
        # On the list, but not to be called.
        Result("attribute", GlobalRef("scipy.interpolate._interpolate", "interp1d._call_spline")),
        Elided(),
    ],
)
def test_calling_what_was_computed_is_dangerous_whatever_the_names(kind: str, target: object) -> None:
    (finding,) = check(case(Operation(kind, target)))  # type: ignore[arg-type]
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.DANGEROUS)


def test_calling_an_admitted_method_that_getattr_reads_from_its_class_is_silent() -> None:
    method = Result("attribute", GlobalRef("zoneinfo", "ZoneInfo._unpickle"))
    assert list(check(case(Operation("call", method, (Const("UTC", 3), Const(1)))))) == []
    (finding,) = check(case(Operation("new", method)))
    assert finding.severity is Severity.DANGEROUS


def test_calling_a_global_and_building_a_result_are_silent() -> None:
    build = Operation("build", Result("new", GlobalRef("ours", "Built")), (Const(None),))
    assert list(check(case(Operation("call", GlobalRef("ours", "called")), build))) == []
