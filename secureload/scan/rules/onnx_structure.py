"""An ONNX model declares what it does not hold, or holds what no model has.

A tensor with more elements than bytes makes a runtime allocate memory for nothing, or read what is not its
own; two graphs in one model are read differently by different programs. Fields that are not known here are
stepped over by every runtime: a newer converter may have written them.

Example: an initializer of a billion elements and four bytes.

What to do: convert the model anew, and compare.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL453"
TITLE = "ONNX structure"

_AGAIN = "have the model converted again"
GRADES = {
    **{
        f"onnx.{code}": Grade(Severity.UNKNOWN, _AGAIN)
        for code in ("tensor-shape", "tensor-type", "tensor-size", "two-graphs")
    },
    "onnx.unknown-field": Grade(Severity.NOTE, "check with a newer secureload"),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each thing that does not fit."""
    yield from findings_of(case, RULE_ID, GRADES)
