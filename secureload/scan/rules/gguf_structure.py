"""A GGUF file does not fit together, or carries bytes that belong to nothing.

Loaders of GGUF files are written in C and trust the table of tensors; several bugs of llama.cpp were tables
that point outside the file or sizes that overflow. A key or a tensor that stands twice, tensors that share
bytes, and bytes that belong to no tensor are not written by any converter: such a file is two things at once.

Example: a tensor whose offset lies behind the end of the file.

What to do: fetch it again; if it stays like this, convert the model anew.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL482"
TITLE = "GGUF structure"

_DECEIVES = "no program writes this by accident; get the file from its original source"
_AGAIN = "fetch the file again, or convert the model again"
GRADES = {
    **{
        f"gguf.{code}": Grade(Severity.DANGEROUS, _DECEIVES)
        for code in ("repeated-key", "repeated-tensor", "overlap", "stray-bytes")
    },
    **{
        f"gguf.{code}": Grade(Severity.UNKNOWN, _AGAIN)
        for code in (
            "alignment", "beyond-file", "metadata", "tensor", "tensor-type", "zeros",
        )
    },
}  # fmt: skip


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each thing that does not fit."""
    yield from findings_of(case, RULE_ID, GRADES)
