from __future__ import annotations

import pytest

from secureload.pickles.trace import (
    Const,
    GlobalRef,
    Operation,
    Result,
)
from secureload.scan.finding import Severity
from secureload.scan.rules.changes_global import RULE_ID, check

from .cases import case


@pytest.mark.parametrize("kind", ["build", "append", "setitem", "additem"])
def test_writing_into_a_global_is_dangerous_even_into_an_admitted_one(kind: str) -> None:
    (finding,) = check(case(Operation(kind, GlobalRef("ours", "Built"), (Const(None),))))  # type: ignore[arg-type]
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.DANGEROUS)
    assert "ours.Built itself" in finding.title


def test_writing_into_an_attribute_of_a_global_is_as_dangerous() -> None:
    method = Result("attribute", GlobalRef("scipy.interpolate._interpolate", "interp1d._call_spline"))
    (finding,) = check(case(Operation("build", method, (Const(None),))))
    assert finding.severity is Severity.DANGEROUS
    assert "interp1d._call_spline itself" in finding.title


@pytest.mark.parametrize("kind", ["build", "append", "setitem", "additem"])
def test_filling_an_instance_is_silent(kind: str) -> None:
    assert list(check(case(Operation(kind, Result("new", GlobalRef("ours", "Built")), (Const(None),))))) == []  # type: ignore[arg-type]
