from __future__ import annotations

from secureload.pickles.trace import Const, GlobalRef, Import, Operation
from secureload.scan.finding import Severity
from secureload.scan.rules.two_readings import RULE_ID, check

from .cases import case

SYSTEM = GlobalRef("posix", "system")


def test_a_gadget_that_only_pickle_would_run_is_dangerous_and_its_call_is_shown() -> None:
    call = Operation("call", SYSTEM, (Const("id", 2),))
    (finding,) = check(case(other_imports=(Import(SYSTEM),), other_operations=(call,)))
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.DANGEROUS)
    assert "posix.system('id')" in finding.detail


def test_a_further_use_of_what_joblib_imports_too_is_unknown() -> None:
    call = Operation("call", GlobalRef("ours", "called"), (Const("x", 1),))
    (finding,) = check(case(other_operations=(call,)))
    assert finding.severity is Severity.UNKNOWN


def test_a_file_that_both_read_alike_is_silent() -> None:
    assert list(check(case(Operation("call", SYSTEM), imports=(Import(SYSTEM),)))) == []
