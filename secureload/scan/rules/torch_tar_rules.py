"""The file is a PyTorch model in the form of before 0.1.10: a tar archive.

``torch.load`` still reads it, by unpacking two members into a temporary folder and unpickling all four. It
does so only with ``weights_only=False``, so that no check of PyTorch's own stands between the pickles and the
process. Each member was traced here, and what it imports is judged as in any pickle.

Example: ``torch.save`` of 2016.

What to do: load it once, where that is safe, and save the weights again as safetensors.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Location, Severity

RULE_ID = "SL429"
TITLE = "PyTorch model as a tar archive"
SEVERITIES = (Severity.NOTE,)


def check(case: Case) -> Iterator[Finding]:
    """Yield one finding for such an archive."""
    if case.part.format == "torch-tar":
        yield Finding(
            rule_id=RULE_ID,
            severity=Severity.NOTE,
            title="torch.load reads this tar archive only with weights_only=False",
            location=Location(0),
            hint="save the weights again as safetensors",
        )
