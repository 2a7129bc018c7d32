from __future__ import annotations

import pytest

from secureload.pickles.trace import Anomaly, Disagreement, GlobalRef, Result, TraceProblem
from secureload.scan.finding import Severity
from secureload.scan.rules.readers_disagree import RULE_ID, check

from .cases import case

SYSTEM = GlobalRef("os", "system")
UNKNOWN = GlobalRef("nobody", "knows")
OURS = GlobalRef("ours", "called")
STOPPED = TraceProblem("malformed", "UnpicklingError", 9)


@pytest.mark.parametrize("seen_by", ["unpickler", "walker"])
def test_a_gadget_that_only_one_reader_imports_is_dangerous_and_stands_where_it_is(seen_by: str) -> None:
    hidden = Disagreement(seen_by, "import", SYSTEM, 17)  # type: ignore[arg-type]
    (finding,) = check(case(disagreements=(hidden,)))
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.DANGEROUS)
    assert (finding.location.offset, finding.location.opcode) == (17, "GLOBAL")
    assert "os.system" in finding.title


def test_a_name_that_nobody_knows_is_unknown_unless_a_frame_lies_about_it() -> None:
    hidden = Disagreement("walker", "import", UNKNOWN, 17)
    (finding,) = check(case(disagreements=(hidden,)))
    assert finding.severity is Severity.UNKNOWN
    lie = Anomaly("frame.crossed", "an argument reaches beyond its frame", 9)
    (finding,) = check(case(disagreements=(hidden,), anomalies=(lie,)))
    assert finding.severity is Severity.DANGEROUS


def test_what_an_admitted_global_does_behind_a_damage_is_the_damage_s_matter() -> None:
    behind = Disagreement("walker", "call", OURS, 30)
    assert list(check(case(disagreements=(behind,), problems=(STOPPED,)))) == []
    (finding,) = check(case(disagreements=(behind,)))
    assert finding.severity is Severity.UNKNOWN


def test_a_gadget_behind_a_damage_is_dangerous_all_the_same() -> None:
    behind = Disagreement("walker", "call", SYSTEM, 30)
    (finding,) = check(case(disagreements=(behind,), problems=(STOPPED,)))
    assert finding.severity is Severity.DANGEROUS


def test_a_call_of_something_computed_that_only_one_reader_sees_is_unknown() -> None:
    (finding,) = check(case(disagreements=(Disagreement("walker", "call", Result("call", None), 3),)))
    assert finding.severity is Severity.UNKNOWN


def test_readers_that_agree_are_silent() -> None:
    assert list(check(case(problems=(STOPPED,)))) == []
