from __future__ import annotations

from secureload.pickles.trace import Collection, Const, GlobalRef, Import, Operation, Result
from secureload.scan.finding import Finding, Severity
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


DTYPE = GlobalRef("numpy", "dtype")
COLUMN = GlobalRef("columns", "dtype")
CODE = (Const("O8", 2), Const(False), Const(True))


def built(dtype: GlobalRef) -> Operation:
    state = Collection("tuple", (Const(1), Result("call", dtype), Const(False)), 3)
    return Operation("build", Result("call", GlobalRef("numpy._core.multiarray", "_reconstruct")), (state,))


def misread(*others: Operation, imports: tuple[Import, ...] = (Import(COLUMN),)) -> list[Finding]:
    honest = (Operation("call", DTYPE, CODE), built(DTYPE))
    return list(check(case(*honest, other_imports=imports, other_operations=others)))


def test_the_dtype_of_an_array_of_objects_that_pickle_would_look_for_elsewhere_is_a_note() -> None:
    (finding,) = misread(Operation("call", COLUMN, CODE), built(COLUMN))
    assert (finding.severity, finding.rule_id) == (Severity.NOTE, RULE_ID)
    assert "columns.dtype" in finding.title
    assert "joblib.load" in finding.hint


def test_what_is_called_like_no_dtype_of_the_file_stays_unknown() -> None:
    for other in (
        Operation("call", COLUMN, (Const("echo", 4),)),
        Operation("call", COLUMN),
        Operation("new", COLUMN, CODE),
        Operation("call", COLUMN, CODE, (("copy", Const(True)),)),
    ):
        (finding, *_) = misread(other)
        assert finding.severity is Severity.UNKNOWN


def test_a_dtype_of_another_name_or_of_a_gadget_stays_what_it_is() -> None:
    strange = GlobalRef("columns", "kind")
    (finding, *_) = misread(Operation("call", strange, CODE), imports=(Import(strange),))
    assert finding.severity is Severity.UNKNOWN
    gadget = GlobalRef("os", "dtype")
    (finding, *_) = misread(Operation("call", gadget, CODE), imports=(Import(gadget),))
    assert finding.severity is Severity.DANGEROUS


def test_what_else_pickle_would_do_is_still_told() -> None:
    found = misread(
        Operation("call", COLUMN, CODE), Operation("call", GlobalRef("ours", "called"), (Const(1),))
    )
    assert [finding.severity for finding in found] == [Severity.NOTE, Severity.UNKNOWN]
    second = misread(Operation("call", COLUMN, CODE), imports=(Import(COLUMN), Import(SYSTEM)))
    assert [finding.severity for finding in second] == [Severity.NOTE, Severity.DANGEROUS]


def test_a_file_that_both_read_alike_is_silent() -> None:
    assert list(check(case(Operation("call", SYSTEM), imports=(Import(SYSTEM),)))) == []
