from __future__ import annotations

import re
from pathlib import Path

import pytest

import secureload.pickles
from secureload.pickles.trace import Anomaly, TraceProblem
from secureload.scan.finding import Severity
from secureload.scan.rules.odd_encoding import GRADES_OF_ANOMALIES, RULE_ID, check

from .cases import case


@pytest.mark.parametrize("code", GRADES_OF_ANOMALIES)
def test_each_anomaly_is_a_finding_where_it_stands(code: str) -> None:
    (finding,) = check(case(anomalies=(Anomaly(code, "it is odd", 5),)))
    assert (finding.rule_id, finding.title, finding.location.offset) == (RULE_ID, "it is odd", 5)
    assert finding.severity in {Severity.DANGEROUS, Severity.UNKNOWN}
    assert finding.hint


def test_a_frame_that_ends_in_an_argument_and_a_computed_name_are_dangerous() -> None:
    for code in ("frame.crossed", "name.computed", "memo.overwritten"):
        (finding,) = check(case(anomalies=(Anomaly(code, "it is odd", 5),)))
        assert finding.severity is Severity.DANGEROUS


def test_an_anomaly_that_nobody_grades_leaves_it_undecided() -> None:
    (finding,) = check(case(anomalies=(Anomaly("new.kind", "it is odd", 5),)))
    assert finding.severity is Severity.UNKNOWN


def test_an_extension_that_only_the_walk_reaches_is_judged_here_and_else_by_its_own_rule() -> None:
    reached = Anomaly("extension", "a global by the number 1", 5)
    (finding,) = check(case(anomalies=(reached,), protocol=2))
    assert finding.severity is Severity.DANGEROUS
    (finding,) = check(case(anomalies=(reached,), protocol=0))
    assert finding.severity is Severity.UNKNOWN
    ended = TraceProblem("extension", "an EXT opcode", 5)
    assert list(check(case(anomalies=(reached,), problems=(ended,), protocol=2))) == []


def test_a_pickle_without_anomalies_is_silent() -> None:
    assert list(check(case())) == []


def test_every_anomaly_that_the_walker_notes_is_graded() -> None:
    folder = Path(secureload.pickles.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    noted = set(re.findall(r'(?:odd\(\s*|Anomaly\(\s*)"([a-z.]+)"', source))
    assert len(noted) > 8
    assert noted == set(GRADES_OF_ANOMALIES) | {"extension"}
