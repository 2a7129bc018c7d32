from __future__ import annotations

from secureload.pickles.trace import (
    Const,
    GlobalRef,
    Import,
    Operation,
)
from secureload.scan.finding import Severity
from secureload.scan.rules.unknown_global import RULE_ID, check

from .cases import case


def test_a_name_that_no_list_knows_is_unknown_and_the_hint_says_how_to_allow_exactly_it() -> None:
    ref = GlobalRef("unheard.of", "Thing")
    (finding,) = check(case(Operation("new", ref), imports=(Import(ref, 1, 5),)))
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.UNKNOWN)
    assert finding.location.offset == 5
    assert "--allow unheard.of:Thing" in finding.hint
    assert "unheard.of.Thing.__new__()" in finding.detail


def test_a_class_of_the_script_that_saved_it_has_a_hint_of_its_own() -> None:
    (finding,) = check(case(imports=(Import(GlobalRef("__main__", "Mine")),)))
    assert "importable module" in finding.hint


def test_a_name_that_would_forge_a_line_of_the_report_is_shown_as_its_escape() -> None:
    (finding,) = check(case(imports=(Import(GlobalRef("a\nb", "c\x1b[2J")),)))
    assert finding.title.isprintable()
    assert finding.hint.isprintable()


def test_admitted_and_dangerous_names_are_silent() -> None:
    assert (
        list(check(case(imports=(Import(GlobalRef("ours", "called")), Import(GlobalRef("os", "system"))))))
        == []
    )


def test_a_cache_that_is_made_for_a_folder_is_dangerous_and_one_that_is_restored_unknown() -> None:
    ref = GlobalRef("joblib.memory", "Memory")
    made = Operation("call", ref, (Const("/srv/models", 11),))
    (finding,) = check(case(made, imports=(Import(ref),)))
    assert finding.severity is Severity.DANGEROUS
    assert "/srv/models" in finding.title
    (finding,) = check(case(Operation("new", ref), imports=(Import(ref),)))
    assert finding.severity is Severity.UNKNOWN
