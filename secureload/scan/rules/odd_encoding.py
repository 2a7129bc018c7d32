"""The pickle is written in a way in which no library writes one.

Opcodes allow much that picklers never use: a frame that ends inside of an argument, a protocol that changes in
mid-stream, a name that is put together by a call, a number with underscores, a memo entry that first holds one
name and then another. Each has served to lead a scanner astray. What the payload does is judged by other rules;
this one says that somebody wrote it by hand, or that it is damaged.

Example: a module name that is the result of ``str.join``.

What to do: do not load it before its sender has said what wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Confidence, Finding, Location, Severity
from secureload.scan.observed import Grade

RULE_ID = "SL204"
TITLE = "Odd encoding"
SEVERITIES = (Severity.DANGEROUS, Severity.UNKNOWN)

_DO_NOT_LOAD = "do not load this file; ask its sender what it was written with"
_DAMAGED = "the file is damaged, or was not written by a pickler; get it again from its sender"

GRADES_OF_ANOMALIES = {
    "frame.crossed": Grade(
        Severity.DANGEROUS, "unpicklers read on in different places; do not load this file"
    ),
    "frame.nested": Grade(Severity.UNKNOWN, _DO_NOT_LOAD),
    "frame.beyond": Grade(Severity.UNKNOWN, _DAMAGED),
    "frame.rest": Grade(Severity.UNKNOWN, _DO_NOT_LOAD),
    "proto.middle": Grade(Severity.UNKNOWN, _DO_NOT_LOAD),
    "name.computed": Grade(
        Severity.DANGEROUS, "what is imported shows only when it runs; do not load this file"
    ),
    "name.old": Grade(Severity.UNKNOWN, _DO_NOT_LOAD),
    "number.odd": Grade(Severity.UNKNOWN, _DO_NOT_LOAD, Confidence.MEDIUM),
    "memo.overwritten": Grade(Severity.DANGEROUS, _DO_NOT_LOAD, Confidence.MEDIUM),
    "memo.jump": Grade(Severity.UNKNOWN, "it may ask an unpickler for more memory than there is"),
    "text.cut": Grade(Severity.UNKNOWN, _DAMAGED),
    "buffer.outside": Grade(Severity.UNKNOWN, "save it again without buffer_callback, in one piece"),
    "walker.stopped": Grade(Severity.UNKNOWN, "please report this file"),
    "walker.failed": Grade(Severity.UNKNOWN, "please report this file"),
}
_OTHERS = Grade(Severity.UNKNOWN, _DO_NOT_LOAD)
_FIRST_PROTOCOL_OF_EXTENSIONS = 2


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each anomaly."""
    known = any(problem.kind == "extension" for problem in case.trace.problems)
    for anomaly in case.trace.anomalies:
        if anomaly.code == "extension":
            if known:  # rule SL109 judges the place where the unpickler ended
                continue
            dangerous = case.trace.protocol >= _FIRST_PROTOCOL_OF_EXTENSIONS
            grade = Grade(Severity.DANGEROUS if dangerous else Severity.UNKNOWN, _DO_NOT_LOAD)
        else:
            grade = GRADES_OF_ANOMALIES.get(anomaly.code, _OTHERS)
        yield Finding(
            rule_id=RULE_ID,
            severity=grade.severity,
            confidence=grade.confidence,
            title=anomaly.message,
            location=Location(anomaly.offset),
            hint=grade.hint,
        )
