from __future__ import annotations

from secureload.scan.finding import Severity
from secureload.scan.rules.embedded_pickle import RULE_ID, check

from .observed import observed


def test_a_pickle_among_unknown_bytes_leaves_the_verdict_open() -> None:
    (finding,) = check(observed("embedded.pickle"))
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.UNKNOWN)
    assert finding.location.offset == 7


def test_bytes_without_one_are_silent() -> None:
    assert list(check(observed("npy.objects"))) == []
