from __future__ import annotations

from secureload.pickles.trace import (
    Const,
    GlobalRef,
    Import,
    Operation,
)
from secureload.scan.finding import Severity
from secureload.scan.rules.dangerous_global import RULE_ID, check

from .cases import case

SYSTEM = GlobalRef("os", "system")


def test_a_known_gadget_is_dangerous_and_its_call_is_shown() -> None:
    call = Operation("call", SYSTEM, (Const("echo hello", 10),), offset=30)
    (finding,) = check(case(call, imports=(Import(SYSTEM, 1, 12),)))
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.DANGEROUS)
    assert "os.system" in finding.title
    assert "os.system('echo hello')" in finding.detail
    assert finding.location.offset == 30


def test_a_gadget_that_is_only_imported_is_dangerous_too() -> None:
    (finding,) = check(case(imports=(Import(SYSTEM, 1, 12),)))
    assert finding.detail == "loading it would import it"
    assert finding.location.offset == 12


def test_admitted_and_unknown_globals_are_silent() -> None:
    imports = (
        Import(GlobalRef("ours", "Built")),
        Import(GlobalRef("unheard", "Of")),
        Import(GlobalRef("builtins", "getattr")),
    )
    assert list(check(case(imports=imports))) == []
