from __future__ import annotations

from secureload.pickles.trace import (
    Const,
    GlobalRef,
    Operation,
)
from secureload.scan.finding import Severity
from secureload.scan.rules.persistent_id import RULE_ID, check

from .cases import case


def test_persistent_ids_are_one_finding_however_many_there_are() -> None:
    ids = tuple(Operation("persid", Const(None), (Const(text, 1),)) for text in "ab")
    (finding,) = check(case(*ids))
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.UNKNOWN)
    assert "persistent_load('a')" in finding.detail


def test_a_pickle_without_persistent_ids_is_silent() -> None:
    assert list(check(case(Operation("call", GlobalRef("ours", "called"))))) == []
