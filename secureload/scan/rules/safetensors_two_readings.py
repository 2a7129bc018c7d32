"""A safetensors file can be read in two ways, or carries bytes that belong to no tensor.

The format leaves no room for either: each key once, each byte of the data in exactly one tensor. A repeated
key gives one program another tensor than the next; tensors that share bytes, bytes between two tensors and
bytes behind the last one make a file that is also something else: an archive, a program, a second model. The
safetensors library refuses most of it and no program writes it by accident.

Example: the key ``weight`` twice, with two places.

What to do: do not use the file; convert the model anew.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL441"
TITLE = "safetensors file with two readings"

_HINT = "no program writes this by accident; get the file from its original source"
GRADES = {
    f"safetensors.{code}": Grade(Severity.DANGEROUS, _HINT)
    for code in ("repeated-key", "overlap", "gap", "tail")
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each place with two readings."""
    yield from findings_of(case, RULE_ID, GRADES)
