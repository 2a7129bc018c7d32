"""A safetensors file breaks a rule of its format.

The safetensors library checks the header before it reads a tensor: its length, the type, shape and place of
each tensor, that together they are the whole file. Programs that read the format by themselves often check
less, and then read outside the file or in the wrong place. A file that was cut off in transit breaks a rule
too.

Example: a header that is longer than the file.

What to do: fetch it again; if it stays like this, convert the model anew.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL442"
TITLE = "safetensors rule broken"

_AGAIN = "fetch the file again, or have it written again by the safetensors library"
_LIBRARY = "the safetensors library reads it, but did not write it; have it written again"
GRADES = {
    **{
        f"safetensors.{code}": Grade(Severity.UNKNOWN, _AGAIN)
        for code in (
            "header-too-long", "header-beyond-file", "entry", "dtype", "shape", "size", "misaligned", "offsets",
            "beyond-file", "zero-gap", "zero-tail", "metadata",
        )
    },
    **{
        f"safetensors.{code}": Grade(Severity.UNKNOWN, _LIBRARY)
        for code in ("header-start", "header-padding", "extra-keys")
    },
    "safetensors.no-tensors": Grade(Severity.NOTE, "is this the file that you expected?"),
}  # fmt: skip


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each broken rule."""
    yield from findings_of(case, RULE_ID, GRADES)
