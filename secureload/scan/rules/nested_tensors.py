"""A tensor was saved by plain pickle or joblib: a PyTorch file inside of the file.

What it finds: calls of ``torch.storage._load_from_bytes`` whose bytes begin as PyTorch writes them, and could
not be examined.

Why it matters: the bytes are a pickle of their own, which PyTorch loads without its weights-only guard
(``weights_only=False``). They are traced as a part called ``tensors``, and what they import is judged there.
Where they cannot be had (they are computed, there are too many, or they hold tensors themselves), nobody knows
what they would do: the file is *undecided*. Bytes that begin in another way are no tensor, and *dangerous*
(SL101).

Example: a tensor that was pickled inside of a tensor.

What to do: ask for a file that was written by ``torch.save`` or as safetensors; both are examined to the last
byte. If it is your own, load it where you made it and save it again.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case, opcode_of, shown_call
from secureload.scan.finding import Finding, Location, Severity
from secureload.scan.nested import tensor_loads

RULE_ID = "SL112"
TITLE = "Tensor in a pickle"
SEVERITIES = (Severity.UNKNOWN,)


def check(case: Case) -> Iterator[Finding]:
    """Yield one finding for the first tensor that is loaded from bytes."""
    operation = next(tensor_loads(case.trace), None)
    if operation is not None and not case.trace.nested_examined:
        yield Finding(
            rule_id=RULE_ID,
            severity=Severity.UNKNOWN,
            title="a tensor in it is a PyTorch file of its own, which was not examined",
            location=Location(operation.offset, opcode_of(operation)),
            detail=f"loading it would run: {shown_call(operation)}",
            hint="save the tensors with torch.save or safetensors: those files are examined to the last byte",
        )
